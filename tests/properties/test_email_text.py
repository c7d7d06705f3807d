"""Emails and opaque ids over arbitrary text: an answer always, and one that stands."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from leadfold.normalizers.email import normalize_email, parse_email
from leadfold.normalizers.email_library import MAX_EMAIL_LENGTH
from leadfold.normalizers.messenger import MAX_OPAQUE_LENGTH, parse_psid
from leadfold.normalizers.reason import Reason

EVERY_CHARACTER = st.characters(exclude_categories=())  # lone surrogates too
ANY_TEXT = st.text(EVERY_CHARACTER)
LETTERS = st.text(st.characters(categories=("L", "M", "N")), min_size=1, max_size=12)
PLAUSIBLE = st.builds("{}@{}.{}".format, LETTERS, LETTERS, st.sampled_from(["com", "de", "рф"]))
MEGABYTES = st.builds(lambda text: text * (1_000_000 // max(1, len(text))), ANY_TEXT)


@given(st.one_of(ANY_TEXT, PLAUSIBLE))
@example("İ" * 10 + "@example.com")
@example("İ\u0338@example.com")  # what lowering leaves has its accents in the wrong order
@example("ΑΣ@example.com")
@example("\u212a@example.com")
@example("ẞ@ẞ.com")
def test_an_email_is_its_own_normal_form(text: str) -> None:
    """Stored keys are normalized again when they are read: they must not move."""
    for provider_rules in (False, True):
        email = normalize_email(text, provider_rules=provider_rules)
        if email is not None:
            assert normalize_email(email, provider_rules=provider_rules) == email
            assert 0 < len(email.encode()) <= MAX_EMAIL_LENGTH
            assert email == email.lower()


@given(st.one_of(ANY_TEXT, PLAUSIBLE), st.sampled_from(["", " ", "\n", "\u00a0", "\u3000"]))
def test_padding_does_not_count(text: str, padding: str) -> None:
    """Whatever white space surrounds it."""
    assert parse_email(f"{padding}{text}{padding}") == parse_email(text)
    assert parse_psid(f"{padding}{text}{padding}") == parse_psid(text)


@given(MEGABYTES)
def test_a_megabyte_is_answered(text: str) -> None:
    """Without an exception, and without handing it to anything slow."""
    assert isinstance(parse_email(text), Reason)
    assert isinstance(parse_psid(text), Reason)


@given(ANY_TEXT)
def test_an_opaque_id_is_its_own_normal_form(text: str) -> None:
    """Trimmed, storable as UTF-8, and never longer than an index takes."""
    psid = parse_psid(text)
    if not isinstance(psid, Reason):
        assert parse_psid(psid) == psid
        assert psid == text.strip()
        assert psid.encode().decode() == psid
        assert 0 < len(psid) <= MAX_OPAQUE_LENGTH
