"""The ledger's copies of a customer's row, and what an erasure takes from them. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from leadfold.repositories.cells import json_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["blanked"]

_GROUP_KEY = "groupKey"


def blanked(
    image: Mapping[str, object],
    values: Iterable[tuple[str, str]],
    without_key: Callable[[str], str],
    *,
    shown: Callable[[object], object] = lambda cell: cell,
) -> dict[str, object] | None:
    """Return *image* without the *values*, each with its field, that it holds; None if it has none.

    *without_key* makes the group key null in a metadata text, and leaves the rest as it stands;
    *shown* returns a copied cell as it is read as a text.
    """
    kept, lost = dict(image), set[str]()
    for field, value in values:
        if field == _GROUP_KEY:
            metadata = _without_group_key(kept.get("metadata"), value, without_key)
            if metadata is None:
                continue
            kept["metadata"] = metadata
        elif shown(kept.get(field)) == value:
            kept[field] = None
        else:
            continue
        lost.add(field)
    return _marked(kept, lost) if lost else None


def _marked(image: dict[str, object], lost: set[str]) -> dict[str, object]:
    """Return *image* with the columns it *lost*, and no source for them."""
    if "sources" in image:
        sources = cast("Mapping[str, str]", image["sources"])
        image["sources"] = {field: sources[field] for field in sources if field not in lost}
    before = cast("Sequence[str]", image.get("erased", ()))
    return {**image, "erased": sorted({*before, *lost})}


def _without_group_key(
    metadata: object, value: str, without_key: Callable[[str], str]
) -> object | None:
    """Return *metadata*, an object or a text, with a null for its key; None if that differs."""
    held = json_object(metadata) if isinstance(metadata, str) else metadata
    if not isinstance(held, dict) or held.get(_GROUP_KEY) != value:
        return None
    return without_key(metadata) if isinstance(metadata, str) else {**held, _GROUP_KEY: None}
