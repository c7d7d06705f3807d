"""A canary: tells when a phonenumbers release changes what the fast path stands on.

The fast path repeats some of libphonenumber's steps. Their source, and the constants they use,
are kept here as fingerprints of every version that was compared by the differential tests.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import re
import textwrap
from itertools import pairwise
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import phonemetadata, phonenumberutil, re_util, unicode_util
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

KNOWN: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[2] / "data" / "canaries" / "phonenumbers.json").read_text("utf-8")
)
"""By dotted name: the fingerprints under which the fast path was proved equal."""

WAY_OUT = """
phonenumbers {version} changed {name} (fingerprint {seen}).
1. Read the change, and the step of the same name in leadfold.normalizers.fast_phone.
2. Run: pytest --full tests/properties/test_fast_phone.py
3. Only when both agree, add the fingerprint to tests/data/canaries/phonenumbers.json.
Until then use fast=False with this release.
"""


def resolve(name: str) -> object:
    """Find what a dotted name stands for, None if the release has no such thing."""
    modules = (phonenumberutil, phonemetadata, re_util, unicode_util)
    module, _, attribute = name.partition(".")
    homes = {home.__name__.rpartition(".")[2]: home for home in modules}
    return getattr(homes[module], attribute, None)


def fingerprint(thing: object) -> str:
    """Return a short hash of a constant, or of code without its comments and docstrings."""
    text = f"{thing.pattern} {thing.flags}" if isinstance(thing, re.Pattern) else repr(thing)
    if inspect.isfunction(thing) or inspect.isclass(thing):
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
                node.body = node.body[1:] or [ast.Pass()]
        text = ast.unparse(tree)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", KNOWN)
def test_the_installed_release_was_compared(name: str) -> None:
    """Each step and constant is one of those that the differential tests have seen."""
    seen = fingerprint(resolve(name))
    assert seen in KNOWN[name], WAY_OUT.format(
        version=phonenumbers.__version__, name=name, seen=seen
    )


def all_metadata() -> list[phonenumbers.PhoneMetadata]:
    """Load the metadata of every region and global service."""
    found = [
        phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
        for region in regions
    ]
    return [metadata for metadata in found if metadata is not None]


def test_every_region_has_metadata_of_the_expected_shape() -> None:
    """What the tables are built from is there, and within parse's own limits."""
    for metadata in all_metadata():
        general = metadata.general_desc
        assert general is not None
        lengths = general.possible_length
        assert list(lengths) == sorted(lengths)
        assert 2 <= lengths[0] <= lengths[-1] <= 17, metadata.id
        assert not set(lengths) & set(general.possible_length_local_only), metadata.id


def test_a_transform_rule_comes_with_a_group() -> None:
    """Without one libphonenumber would fail, and the fast path with it."""
    for metadata in all_metadata():
        if metadata.national_prefix_transform_rule:
            assert "(" in (metadata.national_prefix_for_parsing or "").replace("(?", "")


def test_no_calling_code_begins_another() -> None:
    """So the first that fits is the only one; `national_digits` relies on it, too."""
    codes = sorted(map(str, COUNTRY_CODE_TO_REGION_CODE))
    assert not [pair for pair in pairwise(codes) if pair[1].startswith(pair[0])]
    assert not [code for code in codes if code.startswith("0") or len(code) > 3]


def test_punctuation_is_libphonenumbers() -> None:
    """What is skipped between digits is what libphonenumber skips there."""
    from leadfold.normalizers import fast_phone  # noqa: PLC0415 - a private constant, this once

    is_viable = phonenumberutil._is_viable_phone_number  # noqa: SLF001 - the step itself
    claimed = fast_phone._PUNCTUATION.decode() + "\xa0\xad\u2010\u2015\u200b\u2060\u2212\u3000"  # noqa: SLF001
    assert all(is_viable(f"415{mark}555{mark}2671") for mark in claimed)
