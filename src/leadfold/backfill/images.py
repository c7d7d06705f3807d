"""The ledger's copies of customer rows: the metadata in them, whichever way a store keeps it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from leadfold.changes import counts_patch

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["metadata_of", "patched", "with_counts"]


def metadata_of(image: Mapping[str, object]) -> Mapping[str, object]:
    """Return the metadata of an *image*: an object as it is, or the one that a text stands for.

    >>> metadata_of({"metadata": '{"leadCount": 2}'}), metadata_of({"metadata": "{"})
    ({'leadCount': 2}, {})
    """
    found = image.get("metadata")
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}


def with_counts(customer_id: str, image: Mapping[str, object], leads: int) -> dict[str, object]:
    """Return *image* with the two counts set to *leads*, where it has any."""
    metadata = metadata_of(image)
    patch = counts_patch(customer_id, metadata, leads) if "leadCount" in metadata else None
    return dict(image) if patch is None else patched(image, patch.before, patch.after)


def patched(
    image: Mapping[str, object], before: Mapping[str, object], after: Mapping[str, object]
) -> dict[str, object]:
    """Return *image* with its metadata set from *before* to *after*: the keys that these name.

    >>> patched({"metadata": '{"leadCount":2,"seen":1}'}, {"leadCount": 2, "seen": 1}, {"seen": 2})
    {'metadata': '{"seen":2}'}
    """
    kept = {key: value for key, value in metadata_of(image).items() if key not in before}
    metadata: object = {**kept, **after}
    if isinstance(image.get("metadata"), str):
        metadata = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))
    return {**image, "metadata": metadata}
