"""The fast path gives email-validator's very answer, or steps aside: no third way."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING

import email_validator
import pytest
from email_validator import rfc_constants
from hypothesis import given
from hypothesis import strategies as st

from email_strings import email_strings
from leadfold.normalizers import fast_email as fast_email_module
from leadfold.normalizers.email import parse_email, parse_emails
from leadfold.normalizers.email_library import MAX_EMAIL_LENGTH, ask_library
from leadfold.normalizers.fast_email import fast_email
from leadfold.normalizers.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

ORACLE = Path(__file__).parents[1] / "data" / "email_oracle" / "email_oracle.jsonl"


def hits(texts: list[str]) -> int:
    """Count the texts that the fast path answers, having held each answer to the library's."""
    answered = [(text, answer) for text in texts if (answer := fast_email(text)) is not None]
    wrong = [(text, answer) for text, answer in answered if answer != ask_library(text)]
    assert not wrong
    return len(answered)


@pytest.mark.parametrize("seed", [pytest.param(1, id="seed 1")])
def test_a_sample_of_mutated_addresses(seed: int) -> None:
    """Twenty thousand strings: no difference, and a fair share is answered at all."""
    texts = list(email_strings(20_000, seed=seed))
    assert hits(texts) > 8_000
    assert {type(ask_library(text)) for text in texts[:1000]} == {str, Reason}


@pytest.mark.full
@pytest.mark.parametrize("seed", [pytest.param(seed, id=f"seed {seed}") for seed in (2, 3)])
def test_half_a_million_mutated_addresses(seed: int) -> None:
    """The exhaustive run: no difference."""
    assert hits(list(email_strings(500_000, seed=seed))) > 200_000


def test_every_string_of_the_oracle() -> None:
    """Valid or not, agreed on or not."""
    with ORACLE.open(encoding="utf-8") as lines:
        assert hits([json.loads(line)["raw"] for line in lines]) > 100


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_any_text_at_all(text: str) -> None:
    """Surrogates, controls and all."""
    hits([text])


@given(
    st.text(st.sampled_from("aZ0.-_+@ '\"\u0130\u212a"), max_size=20),
    st.text(st.sampled_from("aZ0.-_@\u3002\u017f"), max_size=20),
    st.sampled_from(
        ["com", "test", "LOCAL", "arpa", "c0", "0c", "xn--p1ai", "c-m", "invalid", "x"]
    ),
)
def test_texts_built_like_addresses(name: str, domain: str, last: str) -> None:
    """From the characters on which the rules turn."""
    hits([f"{name}@{domain}.{last}", f"{name}@{last}", f"{name}.{last}@{domain}"])


def test_the_doors_agree_with_and_without_it() -> None:
    """Per value and in a batch, values and reasons alike."""
    texts = list(email_strings(2_000, seed=4))
    slow = parse_emails(texts, fast=False)
    assert parse_emails(texts) == slow
    assert [parse_email(text) for text in texts] == slow


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a@" + "b" * 59 + ".com", id="a domain of 63"),
        pytest.param("x" * 242 + "@example.com", id="254 characters"),
        pytest.param("a@b.c", id="the shortest"),
        pytest.param("A!#$%&'*+-/=?^_`{|}~@x-1.0a.com", id="every special character"),
        pytest.param("INFO@EXAMPLE.COM", id="a mailbox of RFC 2142"),
        pytest.param("a@local.test.com", id="special words below another domain"),
        pytest.param("a@b.latest", id="an ending that ends like a special one"),
        pytest.param("a@b.locals", id="an ending that begins like a special one"),
        pytest.param("\x1c\t a@b.com \r\n", id="padded"),
    ],
)
def test_what_it_claims_it_answers(text: str) -> None:
    """At the borders, from inside."""
    assert fast_email(text) == ask_library(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a@" + "b" * 60 + ".com", id="a domain of 64"),
        pytest.param("x" * 243 + "@example.com", id="255 characters"),
        pytest.param("a@xn--bcher-kva.example", id="Punycode"),
        pytest.param("a@ab--c.com", id="reserved hyphens"),
        pytest.param("a@b.test", id="special use"),
        pytest.param("a@b.home.ARPA", id="below a special use"),
        pytest.param("a@b.c0", id="last label with a digit"),
        pytest.param("a@b.com-x", id="last label with a hyphen"),
        pytest.param("é@b.com", id="beyond ASCII"),
        pytest.param("\u212a@b.com", id="a Kelvin sign, which lowers to k"),
        pytest.param("\u00a0a@b.com", id="padded beyond ASCII"),
        pytest.param("  ", id="blank"),
    ],
)
def test_from_the_rest_it_steps_aside(text: str) -> None:
    """At the borders, from outside."""
    assert fast_email(text) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("n/a", id="no at-sign"),
        pytest.param("x" * 254, id="no at-sign in 254 characters"),
        pytest.param("a@b@c.com", id="two at-signs"),
        pytest.param("a b@c.com", id="a space inside"),
        pytest.param("a@b.com, c@d.com", id="two addresses"),
        pytest.param("Ann <a@b.com>", id="display name"),
        pytest.param('"a"@b.com', id="quoted"),
        pytest.param("a@[127.0.0.1]", id="brackets"),
        pytest.param(".a@b.com", id="a dot first"),
        pytest.param("a..b@c.com", id="two dots"),
        pytest.param("a.@b.com", id="a dot before the at-sign"),
        pytest.param("a@.b.com", id="a dot after it"),
        pytest.param("a@b.com.", id="a dot last"),
        pytest.param("a@b", id="one label"),
        pytest.param("a@-b.com", id="a hyphen first"),
        pytest.param("a@b-.com", id="a hyphen before a dot"),
        pytest.param("a@b_c.com", id="an underscore in the domain"),
        pytest.param("a\n@b.com", id="a line feed inside"),
        pytest.param("a@b.com\x00", id="NUL"),
    ],
)
def test_what_is_no_address_at_all_it_refuses(text: str) -> None:
    """For the library's reason."""
    assert fast_email(text) is ask_library(text) is Reason.MALFORMED


@pytest.fixture
def home_is_special(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another special-use domain, of two labels, added before the first use."""
    names = [*email_validator.SPECIAL_USE_DOMAIN_NAMES, "Home.Example"]
    monkeypatch.setattr(email_validator, "SPECIAL_USE_DOMAIN_NAMES", names)
    fast_email_module._tests.cache_clear()  # noqa: SLF001 - as in a process of its own
    yield
    fast_email_module._tests.cache_clear()  # noqa: SLF001


@pytest.mark.usefixtures("home_is_special")
def test_special_use_domains_are_the_librarys() -> None:
    """All that ends like one of them is left to the library; the rest is answered still."""
    assert fast_email("a@b.home.example") is None
    assert fast_email("a@b.example") is None
    assert fast_email("a@b.test") is None
    assert fast_email("a@home.com") == "a@home.com"


class TestWhatItReliesOn:
    """The library's side of the bargain: when one fails, read what changed before all else."""

    def test_every_option_is_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A newer version with another option needs a decision here, not its default."""
        options = set(inspect.signature(email_validator.validate_email).parameters) - {"email"}
        given_options: set[str] = set()

        def spy(_text: str, **given: object) -> None:
            given_options.update(given)
            raise ValueError

        monkeypatch.setattr(email_validator, "validate_email", spy)
        ask_library("ann@example.com")
        assert given_options == options

    def test_the_lengths(self) -> None:
        """Of the whole in bytes, and of a domain and a label."""
        assert rfc_constants.EMAIL_MAX_LENGTH == MAX_EMAIL_LENGTH
        assert rfc_constants.DNS_LABEL_LENGTH_LIMIT == 63
        assert rfc_constants.DOMAIN_MAX_LENGTH > 63

    def test_the_characters_of_a_dot_atom(self) -> None:
        """The inside of a character class: RFC 5322's atext."""
        assert rfc_constants.ATEXT == r"a-zA-Z0-9_!#\$%&\'\*\+\-/=\?\^`\{\|\}~"

    def test_the_special_use_domains(self) -> None:
        """Single words: a longer name would send its whole top-level domain to the library."""
        names = {"arpa", "invalid", "local", "localhost", "onion", "test"}
        assert set(email_validator.SPECIAL_USE_DOMAIN_NAMES) == names

    def test_the_mailboxes_whose_case_is_lowered(self) -> None:
        """In lower case, so that lowering everything covers them."""
        names = rfc_constants.CASE_INSENSITIVE_MAILBOX_NAMES
        assert {"info", "sales", "abuse", "postmaster"} <= {name.lower() for name in names}

    def test_plain_addresses_come_back_as_they_are(self) -> None:
        """Domain lowered, local part kept: one address for each character and label form."""
        special = "!#$%&'*+-/=?^_`{|}~"
        plain = [f"A{c}b@Example.com" for c in special + "aZ09."] + ["a@B-c.0d.e1.museum"]
        for text in plain:
            name, _, domain = text.partition("@")
            answer = email_validator.validate_email(text, check_deliverability=False).normalized
            assert answer == f"{name}@{domain.lower()}"
