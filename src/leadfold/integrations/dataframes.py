"""Data frames in, the same kind of frame or a resolution out: pandas, Polars, PyArrow, DuckDB.

Through Narwhals; a frame's library is the caller's, and is there. Who is who the engine decides.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeVar, cast, get_args, overload

from leadfold.exceptions import FrameError, MissingExtraError
from leadfold.grouping import group_columns
from leadfold.integrations.column_names import guess_columns
from leadfold.integrations.frame_reading import FrameReader
from leadfold.integrations.frames import frame_of
from leadfold.integrations.narwhal import Backend
from leadfold.integrations.sources import sources_of
from leadfold.integrations.tables import GROUP_COLUMNS, group_table, tables_of
from leadfold.pausing import collector_paused
from leadfold.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from narwhals.stable.v2.typing import IntoDataFrame, IntoFrame

    from leadfold.backfill.plan import Plan
    from leadfold.grouping import Resolution
    from leadfold.integrations.frames import Frame
    from leadfold.integrations.narwhal import Data
    from leadfold.integrations.sources import ColumnsOf, Told
    from leadfold.model import Ruling

    AnyFrame = TypeVar("AnyFrame", bound=IntoFrame)
    EagerFrame = TypeVar("EagerFrame", bound=IntoDataFrame)

__all__ = ["group_frame", "guess_columns", "resolve_frame", "to_frame"]

What = Literal["leads", "stops", "rejected", "review", "links"]

_BACKENDS: tuple[Backend, ...] = get_args(Backend)


def group_frame(
    frame: AnyFrame,
    policy: Policy | None = None,
    *,
    columns: Told = None,
    rulings: Iterable[Ruling] = (),
    **fields: ColumnsOf,
) -> AnyFrame:
    """Return *frame* with the group of every lead, as three more columns.

    ``group_key`` and ``group_kind`` are text. ``group`` is a whole number: the place of the group
    in `Resolution.groups`, which come in order of key, whatever the order of the rows.

    Args:
        frame: a pandas or Polars frame (lazy ones are collected once), an Arrow table, a DuckDB
            relation; one row a lead. Rows, their order and the other columns stay as they are.
        policy: default `Policy.keyed()`.
        columns: which column, or several, has ``id`` and each field that the policy reads;
            ``"guess"`` takes what `guess_columns` says of the names.
        rulings: people's decisions, as for `leadfold.group`.
        fields: the same as *columns*, a keyword each; keywords go first. What is told neither way
            is read from the column of its own name, if there is one.

    Raises:
        FrameError: naming every fault of the frame at once: columns that are missing or in the
            way, ids that are missing or not unique, cells that are no text.
        ConflictingRulingsError: the rulings contradict each other.

    >>> import polars
    >>> leads = polars.DataFrame({"id": [1, 2, 3], "tel": ["212-555-0143", None, "(212) 5550143"]})
    >>> group_frame(leads, phone="tel").drop("tel").rows()
    [(1, 'phone:+12125550143', 'phone', 1), (2, 'individual:2', 'individual', 0), \
(3, 'phone:+12125550143', 'phone', 1)]
    """
    source = frame_of(frame)
    taken = [
        f"a column {name!r} is there already, from an earlier grouping perhaps: drop or rename it"
        for name in GROUP_COLUMNS
        if name in source.names
    ]
    policy = Policy() if policy is None else policy
    data, resolution = _resolved(source, policy, columns, fields, rulings, taken)
    with collector_paused():
        added = group_table(resolution, _backend(data))
        return cast("AnyFrame", source.joined(added))


def resolve_frame(
    frame: IntoFrame,
    policy: Policy | None = None,
    *,
    columns: Told = None,
    rulings: Iterable[Ruling] = (),
    **fields: ColumnsOf,
) -> Resolution:
    """Return what `leadfold.group` answers for the leads of *frame*: why, stops, review and all.

    The arguments and errors are those of `group_frame`; text is read as it stands, and whole
    numbers as their digits.

    >>> import polars
    >>> emails = ["Ann@mailbox.org", "ann@mailbox.org"]
    >>> leads = polars.DataFrame({"id": ["a", "b"], "email": emails})
    >>> resolve_frame(leads).groups[0].lead_ids
    ('a', 'b')
    """
    policy = Policy() if policy is None else policy
    return _resolved(frame_of(frame), policy, columns, fields, rulings, [])[1]


def _resolved(  # noqa: PLR0917 - of two doors, and no one else
    source: Frame,
    policy: Policy,
    columns: Told,
    fields: dict[str, ColumnsOf],
    rulings: Iterable[Ruling],
    faults: list[str],
) -> tuple[Data, Resolution]:
    sources, found = sources_of(source.names, policy, columns, fields)
    ids = sources.get("id", ())
    names = dict.fromkeys(name for each in sources.values() for name in each)
    data = source.read(names, ids[0] if ids else None)
    with collector_paused():
        read = FrameReader(data, policy, sources, [*faults, *found]).columns()
    return data, group_columns(read, policy, rulings)


@overload
def to_frame(
    source: Resolution | Plan, what: What | None = ..., *, show_values: bool = ...
) -> IntoDataFrame: ...
@overload
def to_frame(
    source: Resolution | Plan,
    what: What | None = ...,
    *,
    like: type[EagerFrame],
    show_values: bool = ...,
) -> EagerFrame: ...
def to_frame(
    source: Resolution | Plan,
    what: What | None = None,
    *,
    like: type[EagerFrame] | None = None,
    show_values: bool = False,
) -> IntoDataFrame:
    """Return what a resolution or a plan says, as a frame with a row for each lead concerned.

    Of a resolution *what* is one of

    - ``"leads"`` (the default): ``lead_id``, ``group_key``, ``group_kind`` and ``group`` of every
      lead, in the order in which they were read;
    - ``"stops"``: ``stop`` (its number), ``kind``, ``value``, ``reasons``, how many ``leads`` and
      ``groups`` hold it, and ``lead_id``;
    - ``"rejected"``: ``lead_id``, ``field``, ``reason`` and ``value``;
    - ``"review"``: ``case`` (its number), ``reason``, ``role`` (``group`` or ``claimant``),
      ``group_key``, ``impact`` and ``lead_id``.

    Of a plan it is ``"links"``: ``lead_id``, the customer ``before`` and ``after``, and ``reason``.

    Args:
        source: a resolution or a plan.
        what: see above.
        like: the class of the frame, such as `polars.DataFrame`, `pandas.DataFrame` or
            `pyarrow.Table`. By default the first of Polars, pandas and PyArrow that the program
            has imported, else the first that is installed.
        show_values: show identifiers, which are masked otherwise.

    Raises:
        ValueError: there is no such *what*.
        FrameError: *like* is no class of these.
        MissingExtraError: none of the three is installed.

    >>> import polars
    >>> from leadfold import group
    >>> resolution = group([{"id": "a", "phone": "n/a"}, {"id": "b", "phone": "212 555 0143"}])
    >>> to_frame(resolution, like=polars.DataFrame).rows()
    [('a', 'individual:a', 'individual', 0), ('b', 'phone:+1…43', 'phone', 1)]
    >>> to_frame(resolution, "rejected", like=polars.DataFrame, show_values=True).rows()
    [('a', 'phone', 'not_a_number', 'n/a')]
    """
    backend = _library_of(like) if like else _installed()
    return cast("IntoDataFrame", tables_of(source, what, backend, show=show_values).to_native())


def _library_of(like: type) -> Backend:
    """Return the library of the class *like*."""
    library = like.__module__.partition(".")[0]
    for backend in _BACKENDS:
        if library == backend and like.__name__ in {"DataFrame", "Table"}:
            return backend
    raise FrameError(
        [f"{like.__name__} is no frame to make: like= takes a DataFrame or Table class"]
    )


def _backend(data: Data) -> Backend:
    """Return the library whose columns *data* are."""
    return next(backend for backend in _BACKENDS if data.implementation.value == backend)


def _installed() -> Backend:
    """Return a library whose frames can be made; what the program uses goes first."""
    for library in _BACKENDS:
        if library in sys.modules:
            return library
    for library in _BACKENDS:
        if find_spec(library):
            return library
    msg = "a frame needs a library of frames: pip install polars, or pandas, or pyarrow"
    raise MissingExtraError(msg, name="polars")
