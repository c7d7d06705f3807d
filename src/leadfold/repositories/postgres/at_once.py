"""Several statements of a decision as one: what is staged with it travels, and is read, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.repositories.postgres.composing import fixed
from leadfold.repositories.postgres.steps import Statement

if TYPE_CHECKING:
    from psycopg import sql

    from leadfold.repositories.postgres.shapes import Shapes
    from leadfold.repositories.postgres.steps import Parameters

__all__ = ["AtOnce"]


@attrs.frozen(eq=False)
class AtOnce:
    """Composes statements of *shapes*, whose stage is bound, into one; each is composed once."""

    shapes: Shapes
    _told: dict[tuple[str, ...], sql.SQL] = attrs.field(factory=dict, init=False)
    _written: dict[tuple[str, ...], sql.SQL] = attrs.field(factory=dict, init=False)

    def told(self, names: tuple[str, ...], parameters: Parameters) -> Statement:
        """Return the queries called so as one, whose rows come in the order of *names*."""
        if names not in self._told:
            texts = self._texts(names)
            self._told[names] = fixed(_with([self._staged], "\nUNION ALL\n".join(texts)))
        return Statement(self._told[names], parameters)

    def written(self, names: tuple[str, ...], parameters: Parameters) -> Statement:
        """Return the statements called so as one, which tells what the last of them tells.

        They write in no order, each to tables or rows of its own: none sees what another wrote.
        """
        if names not in self._written:
            *before, last = self._texts(names)
            parts = (
                f"leadfold_{name} AS ({text})" for name, text in zip(names, before, strict=False)
            )
            self._written[names] = fixed(_with([self._staged, *parts], last))
        return Statement(self._written[names], parameters)

    @property
    def _staged(self) -> str:
        stage = self.shapes.text("bound_stage").as_string(None)
        return f"leadfold_staged AS MATERIALIZED {stage}"

    def _texts(self, names: tuple[str, ...]) -> list[str]:
        staged = fixed("leadfold_staged")
        return [self.shapes.text(name, stage=staged).as_string(None) for name in names]


def _with(parts: list[str], text: str) -> str:
    """Return a statement over *parts*, which come before those that it has itself."""
    own = text.startswith("WITH ")
    return f"WITH {', '.join(parts)}{', ' if own else ' '}{text.removeprefix('WITH ')}"
