"""One customer as a graph: its leads, what they hold, what joined them and what did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from leadfold.pictures.dot import dot_of
from leadfold.pictures.mermaid import mermaid_of
from leadfold.pictures.nodes import Edge, Node, Nodes
from leadfold.pictures.svg import svg_of
from leadfold.sheets import Names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from leadfold.grouping import Resolution
    from leadfold.model import Group, Identifier, Stop

__all__ = ["IdentityGraph", "identity_graph"]

MOST_LEADS = 30
MOST_IDENTIFIERS = 40
MOST_GROUPS = 12


@attrs.frozen
class IdentityGraph:
    """A customer's leads, the identifiers these hold, and the groups that share one of these.

    *held* are identifiers with the leads that hold them, *joining* those of them that tie the
    group together; *rulings* are must-links with the leads they tie; *stops* are identifiers that
    *others*, further groups, hold too. Of a large group the first leads alone are in it.
    """

    group: Group
    lead_ids: tuple[str, ...]
    held: Mapping[Identifier, tuple[str, ...]]
    joining: frozenset[Identifier]
    rulings: Mapping[str, tuple[str, ...]]
    stops: tuple[tuple[Stop, tuple[Group, ...]], ...]

    def svg(self, *, show_values: bool = False) -> str:
        """Return it as an SVG document that stands alone; identifiers masked unless asked for."""
        return svg_of(self._nodes(Names(show_values=show_values)))

    def mermaid(self, *, show_values: bool = False) -> str:
        """Return it as the text of a Mermaid flowchart."""
        return mermaid_of(self._nodes(Names(show_values=show_values)))

    def dot(self, *, show_values: bool = False) -> str:
        """Return it as a graph in DOT, Graphviz's language."""
        return dot_of(self._nodes(Names(show_values=show_values)))

    def _repr_html_(self) -> str:
        return self.svg()

    def _nodes(self, names: Names) -> Nodes:
        """Return what every form of it draws: nodes in three columns, and edges between them."""
        leads = {lead: Node("lead", lead) for lead in self.lead_ids}
        held = {
            each: Node("joins" if each in self.joining else "held", names.identifier(each))
            for each in self.held
        }
        rulings = {ruling: Node("joins", f"ruling {ruling}") for ruling in self.rulings}
        groups = {
            group: Node("group", f"{names.key(group.key)} · {_leads(len(group))}")
            for _, others in self.stops
            for group in others
        }
        edges = [
            Edge(leads[lead], node, node.shape)
            for each, node in held.items()
            for lead in self.held[each]
        ]
        edges += [
            Edge(leads[lead], node, node.shape)
            for each, node in rulings.items()
            for lead in self.rulings[each]
        ]
        edges += [
            Edge(held[stop.identifier], groups[group], "stopped", ", ".join(stop.reasons))
            for stop, others in self.stops
            for group in others
        ]
        left_out = len(self.group) - len(self.lead_ids)
        more = f", the first {len(self.lead_ids)} shown" if left_out else ""
        title = f"{names.key(self.group.key)}: {_leads(len(self.group))}{more}"
        columns = (*leads.values(),), (*held.values(), *rulings.values()), (*groups.values(),)
        return Nodes(title, columns, tuple(edges))


def identity_graph(resolution: Resolution, lead_id: str) -> IdentityGraph:
    """Return the graph of the customer that *lead_id* is.

    >>> from leadfold import Lead, group
    >>> leads = [Lead("l1", phone="212 555 0143"), Lead("l2", phone="(212) 555-0143")]
    >>> print(identity_graph(group(leads), "l1").mermaid())
    flowchart LR
      n0["l1"]
      n1["l2"]
      n2(["phone:+1…43"])
      n0 === n2
      n1 === n2

    Raises:
        UnknownLeadError: it is none of these leads.
    """
    group = resolution.group_of(lead_id)
    shown = _first_with(lead_id, group.lead_ids)
    ties = resolution.links_of(lead_id)
    joining = frozenset(tie.identifier for tie in ties if tie.identifier)
    held = _held(resolution, shown, joining)
    rulings: dict[str, dict[str, None]] = {}
    for tie in ties:
        if tie.ruling_id:
            ends = (end for end in (tie.lead_id, tie.other_id) if end in shown)
            rulings.setdefault(tie.ruling_id, {}).update(dict.fromkeys(ends))
    return IdentityGraph(
        group,
        shown,
        held,
        joining,
        {ruling: tuple(leads) for ruling, leads in rulings.items()},
        tuple(_stops(resolution, group, held)),
    )


def _first_with(lead_id: str, lead_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first of *lead_ids*, and *lead_id* whether it is one of these or not."""
    first = lead_ids[:MOST_LEADS]
    return first if lead_id in first else (lead_id, *first[:-1])


def _held(
    resolution: Resolution, lead_ids: Iterable[str], joining: frozenset[Identifier]
) -> dict[Identifier, tuple[str, ...]]:
    """Return what the leads hold, each with its holders: what joins first, then by how many."""
    found: dict[Identifier, list[str]] = {}
    for lead in lead_ids:
        for identifier in resolution.identifiers_of(lead):
            found.setdefault(identifier, []).append(lead)
    ordered = sorted(found, key=lambda each: (each not in joining, -len(found[each]), each))
    return {each: tuple(found[each]) for each in ordered[:MOST_IDENTIFIERS]}


def _stops(
    resolution: Resolution, group: Group, held: Mapping[Identifier, object]
) -> Iterator[tuple[Stop, tuple[Group, ...]]]:
    """Yield what is shared with other groups, each with the first of these."""
    seen: set[Group] = set()
    for stop in resolution.stops:
        if stop.identifier in held:
            others = (resolution.group_of(lead) for lead in stop.lead_ids)
            different = [each for each in dict.fromkeys(others) if each != group]
            room = MOST_GROUPS - len(seen)
            new = [each for each in different if each not in seen][:room]
            seen.update(new)
            yield stop, tuple(each for each in different if each in seen)


def _leads(count: int) -> str:
    return "1 lead" if count == 1 else f"{count} leads"
