"""How a sheet or a picture writes identifiers and keys: masked, unless the caller asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.masking import mask_key

if TYPE_CHECKING:
    from leadfold.model import Identifier

__all__ = ["MASKED", "Names"]


@attrs.frozen
class Names:
    """Writes identifiers and group keys; masked unless *show_values*.

    >>> Names().key("phone:+15551234567"), Names(show_values=True).key("phone:+15551234567")
    ('phone:+1…67', 'phone:+15551234567')
    """

    show_values: bool = False

    def identifier(self, identifier: Identifier) -> str:
        """Return ``kind:value``."""
        return identifier.key if self.show_values else str(identifier)

    def key(self, key: str) -> str:
        """Return a group's key."""
        return key if self.show_values else mask_key(key)


MASKED = Names()
