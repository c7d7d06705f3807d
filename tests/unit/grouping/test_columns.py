"""Raw leads to columns: several values, scopes, blocked values, refusals, errors that name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadfold import (
    Identifier,
    IdentifierRule,
    Lead,
    Normalizer,
    Policy,
    Reason,
    group,
    own_normalizer,
)
from leadfold.exceptions import DuplicateLeadError, LeadfoldError
from leadfold.grouping import Scanner
from leadfold.model import Rejection

if TYPE_CHECKING:
    from leadfold.grouping import Columns

OPAQUE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=6)
SCOPE_TEXTS = st.text("/%2F5a", min_size=1, max_size=4) | OPAQUE
BADGE = own_normalizer("badge", "1", str.upper)
PHONE = Policy(["phone"])
SCOPED = Policy([IdentifierRule("psid", scope="page_id")])


def scanned(policy: Policy, *leads: dict[str, Any]) -> Columns:
    """Return the columns of *leads*, all in one batch; their ids are l1, l2 …."""
    scanner = Scanner(policy)
    fields = {name: [lead.get(name) for lead in leads] for name in policy.fields}
    scanner.add([f"l{number}" for number in range(1, len(leads) + 1)], fields)
    return scanner.finish()


def values(columns: Columns, row: int = 0, kind: int = 0) -> tuple[str, ...]:
    """Return the usable values of a row, in the order given."""
    return columns.by_kind[kind].of(row)


class TestSeveralValues:
    """A field holds one text or several."""

    def test_one_text_is_one_value(self) -> None:
        """Normalized; a row without a value has none."""
        columns = scanned(PHONE, {"phone": "(202) 555-0141"}, {})
        assert (values(columns), values(columns, 1)) == (("+12025550141",), ())

    @pytest.mark.parametrize("several", [list, tuple])
    def test_the_order_given_is_kept(self, several: type) -> None:
        """The first usable one is the lead's key."""
        cell = several(["202-555-0142", "202-555-0141"])
        assert values(scanned(PHONE, {"phone": cell})) == ("+12025550142", "+12025550141")

    @pytest.mark.parametrize("several", [set, frozenset])
    def test_a_set_is_read_in_text_order(self, several: type) -> None:
        """It has no order of its own, and the answer must not depend on one."""
        cell = several(["202-555-0142", "202-555-0141", "(202) 555-0143"])
        assert values(scanned(PHONE, {"phone": cell})) == (
            "+12025550143",
            "+12025550141",
            "+12025550142",
        )

    def test_equal_values_count_once(self) -> None:
        """However they were written."""
        assert values(scanned(PHONE, {"phone": ["202-555-0141", "+12025550141"]})) == (
            "+12025550141",
        )

    def test_a_refused_first_value_makes_way_for_the_next(self) -> None:
        """The key is the first *usable* value."""
        columns = scanned(PHONE, {"phone": ["12", None, "202-555-0141"]})
        assert values(columns) == ("+12025550141",)
        assert [refused.reason for refused in columns.rejections()] == [Reason.TOO_SHORT]

    @pytest.mark.parametrize("cell", [[], (), set(), [None], ["12"]])
    def test_no_usable_value_is_no_value(self, cell: object) -> None:
        """An empty list is as good as nothing."""
        assert values(scanned(PHONE, {"phone": cell})) == ()

    def test_single_and_several_stand_side_by_side(self) -> None:
        """Each row has its own, whatever its neighbours hold."""
        columns = scanned(
            PHONE,
            {"phone": "202-555-0141"},
            {"phone": ["202-555-0142", "202-555-0143"]},
            {"phone": None},
            {"phone": ("202-555-0144",)},
        )
        assert [len(values(columns, row)) for row in range(4)] == [1, 2, 0, 1]
        assert sorted(columns.by_kind[0].pairs()) == [
            (0, "+12025550141"),
            (1, "+12025550142"),
            (1, "+12025550143"),
            (3, "+12025550144"),
        ]

    def test_batches_are_appended(self) -> None:
        """Rows of a second batch come after those of the first."""
        scanner = Scanner(PHONE)
        scanner.add(["l1", "l2"], {"phone": ["202-555-0141", "12"]})
        scanner.add(["l3", "l4"], {"phone": [["202-555-0142", "202-555-0143"], "13"]})
        columns = scanner.finish()
        assert columns.ids == ["l1", "l2", "l3", "l4"]
        assert values(columns, 2) == ("+12025550142", "+12025550143")
        assert [refused.lead_id for refused in columns.rejections()] == ["l2", "l4"]

    def test_every_row_keeps_all_its_values(self) -> None:
        """Also three of them, in a row that is not the first."""
        three = ["202-555-0141", "202-555-0142", "202-555-0143"]
        columns = scanned(PHONE, {}, {"phone": [*three, three[1]]})
        assert values(columns, 1) == ("+12025550141", "+12025550142", "+12025550143")

    def test_a_field_that_a_batch_lacks_is_empty(self) -> None:
        """The columns stay equally long."""
        scanner = Scanner(Policy(["psid", "phone"]))
        scanner.add(["l1"], {"phone": ["202-555-0141"]})
        assert scanner.finish().identifiers(0) == (Identifier("phone", "+12025550141"),)

    def test_identifiers_come_sorted(self) -> None:
        """As the identity index holds them: by kind, then value."""
        columns = scanned(
            Policy(["psid", "phone"]), {"psid": "7", "phone": ["202-555-0142", "202-555-0141"]}
        )
        assert [found.key for found in columns.identifiers(0)] == [
            "phone:+12025550141",
            "phone:+12025550142",
            "psid:7",
        ]


class TestScopes:
    """A scoped value is one person's within its scope."""

    def test_the_scope_is_part_of_the_value(self) -> None:
        """One id on two pages is two identifiers."""
        columns = scanned(SCOPED, {"psid": "7", "page_id": "p1"}, {"psid": "7", "page_id": "p2"})
        assert (values(columns), values(columns, 1)) == (("p1/7",), ("p2/7",))

    def test_every_one_of_several_values_is_scoped(self) -> None:
        """By the lead's one scope, each lead by its own."""
        columns = scanned(
            SCOPED,
            {"psid": ["7", "8"], "page_id": "p1"},
            {"psid": ["7"], "page_id": "p2"},
        )
        assert (values(columns), values(columns, 1)) == (("p1/7", "p1/8"), ("p2/7",))

    def test_a_whole_number_is_a_scope(self) -> None:
        """Keys of a database come so."""
        assert values(scanned(SCOPED, {"psid": "7", "page_id": 9})) == ("9/7",)

    @pytest.mark.parametrize(
        "scope",
        [
            pytest.param(None, id="missing"),
            pytest.param("", id="empty"),
            pytest.param("  ", id="blank"),
            pytest.param("null", id="a program's word for nothing"),
            pytest.param(float("nan"), id="NaN"),
            pytest.param("a\nb", id="with a control character"),
        ],
    )
    def test_without_a_scope_a_value_is_refused(self, scope: object) -> None:
        """As ``no_scope``; the lead stays."""
        columns = scanned(SCOPED, {"psid": "7", "page_id": scope})
        assert values(columns) == ()
        assert [*columns.rejections()] == [Rejection("l1", "psid", Reason.NO_SCOPE, "7")]

    def test_a_batch_without_the_scope_s_field_has_no_scope(self) -> None:
        """Its values are refused, not taken for values without a scope."""
        scanner = Scanner(SCOPED)
        scanner.add(["l1"], {"psid": ["7"]})
        (refused,) = scanner.finish().rejections()
        assert refused.reason is Reason.NO_SCOPE

    def test_a_value_s_own_fault_is_told_before_its_scope_s(self) -> None:
        """What is no identifier needs no scope; what is missing is not reported."""
        columns = scanned(SCOPED, {"psid": "null"}, {"psid": None})
        assert [refused.reason for refused in columns.rejections()] == [Reason.PLACEHOLDER]

    def test_a_scope_s_own_signs_are_escaped(self) -> None:
        """The first ``/`` is where the scope ends."""
        assert values(scanned(SCOPED, {"psid": "7/8", "page_id": "a/b%2F"})) == ("a%2Fb%252F/7/8",)

    def test_a_scoped_value_is_no_longer_than_any(self) -> None:
        """512 characters with its scope: it has to fit the index of every store."""
        fits = {"psid": "7" * 500, "page_id": "p" * 11}
        columns = scanned(SCOPED, fits, {**fits, "page_id": "p" * 12})
        assert (len(values(columns)[0]), values(columns, 1)) == (512, ())
        assert [refused.reason for refused in columns.rejections()] == [Reason.TOO_LONG]


class TestBlocked:
    """Values the policy says never to use."""

    def test_the_default_packs_are_on(self) -> None:
        """Numbers and mailboxes that are nobody's are refused as blocked."""
        columns = scanned(Policy(), {"phone": "555-555-5555", "email": "noreply@example.com"})
        assert columns.identifiers(0) == ()
        assert [(refused.field, refused.reason) for refused in columns.rejections()] == [
            ("email", Reason.BLOCKED),
            ("phone", Reason.BLOCKED),
        ]

    def test_an_empty_list_switches_them_off(self) -> None:
        """Then every number that can be one is used."""
        policy = Policy([IdentifierRule("phone", blocked=())])
        assert values(scanned(policy, {"phone": "555-555-5555"})) == ("+15555555555",)

    def test_one_of_several_may_be_blocked(self) -> None:
        """The others are used."""
        policy = Policy([IdentifierRule("psid", blocked=["8"])])
        columns = scanned(policy, {"psid": ["8", "7"]})
        assert values(columns) == ("7",)
        assert [*columns.rejections()] == [Rejection("l1", "psid", Reason.BLOCKED)]

    def test_a_value_is_blocked_in_every_scope(self) -> None:
        """Entries name values, not scoped ones."""
        policy = Policy([IdentifierRule("psid", scope="page_id", blocked=["8"])])
        assert values(scanned(policy, {"psid": "8", "page_id": "p1"})) == ()


class TestRejected:
    """What took no part, and why."""

    def test_refusals_come_by_lead_then_field_then_as_given(self) -> None:
        """Whatever the order of the leads and of the kinds."""
        leads = [
            Lead("l2", psid="null", email="x"),
            Lead("l1", phone=("12", "n/a"), psid="0", email="y@"),
        ]
        found = [(r.lead_id, r.field, r.reason) for r in group(leads).rejected]
        assert found == [
            ("l1", "email", Reason.MALFORMED),
            ("l1", "phone", Reason.TOO_SHORT),
            ("l1", "phone", Reason.NOT_A_NUMBER),
            ("l1", "psid", Reason.PLACEHOLDER),
            ("l2", "email", Reason.MALFORMED),
            ("l2", "psid", Reason.PLACEHOLDER),
        ]

    def test_a_refusal_carries_the_raw_value(self) -> None:
        """For whoever has to mend it; its repr is masked."""
        (refused,) = group([Lead("l1", phone=("202-555-0141", "12"))]).rejected
        assert refused.value == "12"

    @pytest.mark.parametrize("nothing", [None, float("nan"), (), [None]])
    def test_nothing_is_no_refusal(self, nothing: Any) -> None:  # noqa: ANN401 - as frames have it
        """A field that holds nothing is not reported."""
        assert group([{"id": "l1", "phone": nothing}]).rejected == ()


class TestErrors:
    """What cannot be read is an error that names where."""

    def test_leads_that_share_an_id_are_named(self) -> None:
        """All such ids, each once, whatever type they came as."""
        leads = [{"id": raw} for raw in ("b", 7, "a", "7", "b", "b", UUID(int=1))]
        with pytest.raises(DuplicateLeadError, match="share an id: 7, b: ") as refused:
            group(leads)
        assert refused.value.lead_ids == ("7", "b")
        assert isinstance(refused.value, LeadfoldError)

    def test_an_error_names_some_of_many_ids(self) -> None:
        """Ten, and how many more; the attribute has them all."""
        leads = [{"id": number} for number in (*range(100, 112), *range(100, 112))]
        with pytest.raises(DuplicateLeadError, match=r"109 and 2 more: give every lead") as refused:
            group(leads)
        assert len(refused.value.lead_ids) == 12

    @pytest.mark.parametrize(
        ("lead", "field"),
        [
            pytest.param({"phone": 2025550141}, "phone", id="phone"),
            pytest.param({"email": b"a@b.com"}, "email", id="email"),
            pytest.param({"psid": True}, "psid", id="psid"),
            pytest.param({"account": 7}, "account", id="an opaque kind of one's own"),
            pytest.param({"mobile": 7}, "mobile", id="a phone of another name"),
            pytest.param({"mobile": [None, "202-555-0141", 7]}, "mobile", id="one of several"),
            pytest.param({"phone": {"202-555-0141", 7}}, "phone", id="one of a set"),
            pytest.param({"phone": [["202-555-0141"]]}, "phone", id="a list in a list"),
            pytest.param({"account": "A-1", "branch": 1.5}, "branch", id="a scope"),
            pytest.param({"account": "A-1", "branch": ("a", "b")}, "branch", id="several scopes"),
        ],
    )
    def test_a_value_of_another_type_names_its_field(
        self, lead: dict[str, object], field: str
    ) -> None:
        """The lead's field, whatever normalizer reads it; the value itself is not said."""
        policy = Policy(
            [
                "psid",
                "phone",
                "email",
                IdentifierRule("account", scope="branch"),
                IdentifierRule("mobile", normalizer="phone"),
            ]
        )
        with pytest.raises(
            TypeError, match=f"^{field} must be text, not (int|bytes|bool|list|f|t)"
        ):
            group([{"id": "l1", **lead}], policy)

    def test_a_normalizer_that_leaves_an_answer_out_is_refused(self) -> None:
        """Its answers would be taken for other leads' values."""
        short = Normalizer("short", "1", lambda raws: [*BADGE.parse(raws)][1:])
        with pytest.raises(ValueError, match=r"^b: its normalizer gave 1 answers for 2 values$"):
            group([{"id": 1, "b": "x"}, {"id": 2, "b": "y"}], Policy([IdentifierRule("b", short)]))

    def test_an_error_of_one_s_own_normalizer_is_left_alone(self) -> None:
        """Only wrong types are leadfold's to explain."""
        policy = Policy([IdentifierRule("badge", normalizer=_broken())])
        with pytest.raises(TypeError, match=r"^broken by its author$"):
            group([{"id": "l1", "badge": "b1"}], policy)

    @pytest.mark.parametrize(
        ("raw", "what"),
        [(None, "NoneType"), ("", "empty"), (1.0, "float"), (True, "bool")],
    )
    def test_an_id_that_is_none_is_refused(self, raw: object, what: str) -> None:
        """Every lead needs an id."""
        with pytest.raises(TypeError, match=f"^id must be text, int or UUID, not {what}$"):
            group([{"id": raw}])


def _broken() -> Any:  # noqa: ANN401 - a Normalizer
    def normalize(_: str) -> str:
        msg = "broken by its author"
        raise TypeError(msg)

    return own_normalizer("broken", "1", normalize)


@given(st.tuples(SCOPE_TEXTS, OPAQUE), st.tuples(SCOPE_TEXTS, OPAQUE))
def test_no_two_pairs_look_alike(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Scoped values are equal only if scope and value are, but for space around them."""
    columns = scanned(SCOPED, *({"psid": value, "page_id": scope} for scope, value in (one, other)))
    first, second = values(columns), values(columns, 1)
    alike = [part.strip() for part in one] == [part.strip() for part in other]
    assert (first == second) is alike or () in (first, second)
