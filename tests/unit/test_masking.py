"""Masks: what is left of an identifier is too little to find the person by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold.masking import MASK, mask, mask_key


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        pytest.param("phone", "+15551234567", "+1…67", id="phone"),
        pytest.param("phone", "+1234567", "+1…67", id="shortest phone that shows anything"),
        pytest.param("phone", "+123456", "…", id="short phone"),
        pytest.param("phone", "5551234567", "…67", id="phone without its country"),
        pytest.param("email", "user@example.com", "u…@….com", id="email"),
        pytest.param("email", "user@mail.example.co.uk", "u…@….uk", id="email below a domain"),
        pytest.param("email", "root@localhost", "r…@…", id="email of a host"),
        pytest.param("email", '"a@b"@example.com', '"…@….com', id="email with two signs"),
        pytest.param("email", "no address", "…ss", id="email that is none"),
        pytest.param("psid", "24000000000000001", "…01", id="messenger id"),
        pytest.param("psid", "12345678", "…78", id="shortest id that shows anything"),
        pytest.param("psid", "1234567", "…", id="short id"),
        pytest.param("badge", "user@example.com", "…om", id="an address of another kind"),
        pytest.param("badge", "+15551234567", "…67", id="a number of another kind"),
    ],
)
def test_a_kind_has_its_mask(kind: str, value: str, shown: str) -> None:
    """The table of the module, row by row and at its edges."""
    assert mask(kind, value) == shown


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        pytest.param("phone:+15551234567", "phone:+1…67", id="phone"),
        pytest.param("psid:page9/24000000000000001", "psid:…01", id="scoped"),
        pytest.param("badge:a:b:c:d:e", "badge:…:e", id="a value with colons"),
        pytest.param("individual:lead-number-7", "individual:lead-number-7", id="a lead's id"),
        pytest.param("customer:c-000000000", "customer:c-000000000", id="a customer's id"),
        pytest.param("phone:", "phone:…", id="nothing"),
    ],
)
def test_a_key_keeps_its_kind(key: str, shown: str) -> None:
    """Values are masked as their kind is; ids of rows stay readable."""
    assert mask_key(key) == shown


@given(st.sampled_from(["phone", "email", "psid", "badge"]), st.text(alphabet="ab1+@.", min_size=1))
def test_a_mask_shows_little(kind: str, value: str) -> None:
    """There is always a mask; phones show four characters at most, other ids two."""
    shown = mask(kind, value)
    assert MASK in shown
    if kind != "email":
        assert len(shown.replace(MASK, "")) <= (4 if kind == "phone" else 2)


@given(st.emails())
def test_the_mask_of_an_address_shows_no_word_of_it(address: str) -> None:
    """One letter of the mailbox, and the last label of the domain."""
    local, _, domain = address.rpartition("@")
    assert mask("email", address) == f"{local[0]}…@….{domain.rpartition('.')[2]}"
