"""Normalizers of one's own: a function of one text, made to work wherever the built-in ones do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadfold.normalizers.reason import Normalizer, Reason, is_missing, require_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["LONGEST", "own_normalizer"]

LONGEST = 512
"""No identifier is longer, in characters: it has to fit an index row of every store."""


def own_normalizer(
    name: str, version: str, normalize: Callable[[str], str | Reason | None]
) -> Normalizer:
    """Return the normalizer *name* that runs *normalize* on each text.

    *normalize* gets the raw text and answers the normalized text, or None (reported as
    ``malformed``), or a `Reason`. Raise *version* whenever an answer changes.

    >>> loyalty = own_normalizer("loyalty", "1", lambda raw: raw.strip().upper() or None)
    >>> loyalty.parse([" a17 ", None])
    ['A17', <Reason.MISSING: 'missing'>]
    """

    def one(raw: object) -> str | Reason:
        if is_missing(raw):
            return Reason.MISSING
        return _checked(normalize(require_text(raw, name)), name)

    def parse(raws: Iterable[object]) -> list[str | Reason]:
        return [one(raw) for raw in raws]

    return Normalizer(name, version, parse)


def _checked(answer: str | Reason | None, name: str) -> str | Reason:
    """Hold a user's answer to what every identifier must be."""
    if answer is None:
        return Reason.MALFORMED
    if isinstance(answer, Reason):
        return answer
    if not answer:
        return Reason.EMPTY
    return Reason.TOO_LONG if len(require_text(answer, name)) > LONGEST else answer
