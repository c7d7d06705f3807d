"""A plan as a value and as a file: limits, saving, loading, and files that are none."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from leadfold import Customer, IdentifierRule, InMemoryRepository, Lead, Policy, backfill
from leadfold.backfill import Drift, GroupSize, Limits, Mismatch, Plan
from leadfold.changes import Unit
from leadfold.exceptions import LimitExceededError, PlanFormatError, RunExistsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
X, Y = "202-555-0141", "202-555-0142"


def store() -> InMemoryRepository:
    """Return a store whose plan has every part: changes, drift, notes and mismatches."""
    return InMemoryRepository(
        leads=[
            Lead("l1", phone=X, name="Zoë \ud800", created_at=AT),
            Lead("l2", psid="7", phone=(X, Y)),
            Lead("l3", email="ann@example.org", customer_id="c1"),
            Lead("l4", email="bea@example.org", customer_id="c1"),
            Lead("l5", email="bea@example.org"),
        ],
        customers=[
            Customer("c1", metadata={"createdBy": "leadfold", "leadCount": 9}),
            Customer("c2", phone="(202) 555-0149"),
        ],
        dependents={"Job": [{"id": "j1", "lead_id": "l1"}, {"id": "j2", "lead_id": "gone"}]},
        unique={"phone"},
    )


def planned(repository: InMemoryRepository, **given: Any) -> Plan:  # noqa: ANN401 - passed on
    """Return a plan whose ids can be foretold."""
    numbers = count(1)
    return backfill.plan(repository, new_id=lambda: f"new-{next(numbers)}", now=AT, **given)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return the file of a saved plan."""
    path = tmp_path / "plan.json"
    planned(store()).save(path)
    return path


class TestLimits:
    """How far a plan may go."""

    def test_keyed_is_bounded_by_nothing(self) -> None:
        """Its groups share a key; however many, that is one customer."""
        assert Limits.default_for("keyed") == Limits(None, None, None, None)

    def test_linked_is_bounded_by_two_hundred_leads_a_group(self) -> None:
        """And by nothing else."""
        assert Limits.default_for("linked") == Limits(max_group=200)

    @pytest.mark.parametrize(
        ("limits", "excess"),
        [
            pytest.param(
                Limits(max_created=1), "2 new customers, more than max_created=1", id="created"
            ),
            pytest.param(
                Limits(max_created=0), "2 new customers, more than max_created=0", id="created, 0"
            ),
            pytest.param(
                Limits(max_linked=2), "3 leads to link, more than max_linked=2", id="linked"
            ),
            pytest.param(
                Limits(max_drift=0), "1 cases of drift, more than max_drift=0", id="drift"
            ),
        ],
    )
    def test_a_figure_beyond_its_limit_refuses_the_plan(self, limits: Limits, excess: str) -> None:
        """The message says both."""
        with pytest.raises(LimitExceededError) as refused:
            planned(store()).check(limits)
        assert refused.value.excesses == (excess,)
        assert str(refused.value) == f"plan refused by its limits: {excess}"
        assert refused.value.values == ()

    @pytest.mark.parametrize(
        "limits",
        [Limits(max_created=2), Limits(max_linked=3), Limits(max_drift=1), Limits(max_group=2)],
    )
    def test_a_figure_at_its_limit_passes(self, limits: Limits) -> None:
        """A limit is the most that is allowed."""
        planned(store()).check(limits)

    @pytest.mark.parametrize("most", [1, 0])
    def test_a_group_beyond_the_limit_is_named_masked(self, most: int) -> None:
        """Its raw key is an attribute of the error."""
        with pytest.raises(LimitExceededError) as refused:
            planned(store()).check(Limits(max_group=most))
        assert refused.value.excesses[0] == (
            f"group email:b…@….org has 2 leads, more than max_group={most}: block the value too ("
            '[also_blocked] email = ["b…@….org"]) or raise the limit'
        )
        assert refused.value.values[0] == "email:bea@example.org"
        assert refused.value.lines[0] == "[also_blocked]"
        assert refused.value.lines[1].startswith('email = ["bea@example.org"')

    def test_a_scoped_key_is_blocked_by_its_value_alone(self) -> None:
        """A policy blocks a value in every scope, and reads what it is given as a raw one."""
        rule = IdentifierRule("psid", scope="page_id")
        leads = [{"id": n, "psid": '7"7', "page_id": "p1"} for n in range(2)]
        plan = planned(
            InMemoryRepository(leads=leads), policy=Policy.keyed(identifiers=[rule, "phone"])
        )
        with pytest.raises(LimitExceededError) as refused:
            plan.check(Limits(max_group=1))
        assert refused.value.values == ('psid:p1/7"7',)
        assert refused.value.lines == ("[also_blocked]", r"""psid = ["7\"7"]""")

    @pytest.mark.parametrize(
        "before",
        [
            pytest.param("", id="no file yet"),
            pytest.param('identifiers = ["email", "phone"]\n', id="kinds"),
            pytest.param(
                'region = "GB"\n[[identifiers]]\nkind = "phone"\nlimit = 2\nstrict = true\n'
                '[[identifiers]]\nkind = "email"\nblocked = ["@example.com"]\n',
                id="rules",
            ),
        ],
    )
    def test_the_lines_add_to_what_a_policy_blocks(self, before: str) -> None:
        """Pasted at its end they take nothing away: not its own values, nor the default packs."""
        old = Policy.from_toml_text(before)
        leads = [Lead(f"p{n}", phone="+12025550141") for n in range(2)]
        leads += [Lead(f"q{n}", phone="+12025550142") for n in range(2)]
        leads += [Lead(f"e{n}", email="desk@example.org") for n in range(2)]
        with pytest.raises(LimitExceededError) as refused:
            planned(InMemoryRepository(leads=leads), policy=old).check(Limits(max_group=1))
        new = Policy.from_toml_text(before + "\n".join(refused.value.lines))
        added = {"phone": ("+12025550141", "+12025550142"), "email": ("desk@example.org",)}
        assert new.identifiers == tuple(
            attrs.evolve(rule, blocked=(*rule.blocked, *added.get(rule.kind, ())))
            for rule in old.identifiers
        )
        planned(InMemoryRepository(leads=leads), policy=new).check(Limits(max_group=1))

    def test_a_group_without_an_identifier_has_no_line(self) -> None:
        """Nothing can be blocked."""
        plan = planned(InMemoryRepository(leads=[Lead("l1")]))
        with pytest.raises(LimitExceededError) as refused:
            plan.check(Limits(max_group=0))
        assert refused.value.lines == ()
        assert refused.value.excesses == (
            "group individual:l1 has 1 leads, more than max_group=0: raise the limit",
        )

    def test_all_excesses_are_told_at_once(self) -> None:
        """Figures first, then groups."""
        with pytest.raises(LimitExceededError) as refused:
            planned(store()).check(Limits(1, 0, 0, 0))
        assert [excess.split(" ")[0] for excess in refused.value.excesses] == [
            "2",
            "3",
            "1",
            "group",
        ]

    def test_the_default_is_the_strategy_s(self) -> None:
        """Two hundred and one leads of one phone pass as ``keyed`` and not as ``linked``."""
        leads = [Lead(f"l{n}", phone=X) for n in range(201)]
        planned(InMemoryRepository(leads=leads)).check()
        planned(InMemoryRepository(leads=leads[1:]), policy=Policy.linked()).check()
        with pytest.raises(LimitExceededError, match="max_group=200"):
            planned(InMemoryRepository(leads=leads), policy=Policy.linked()).check()


class TestValue:
    """A plan is a value."""

    def test_plans_of_one_store_are_equal(self) -> None:
        """To their units, and whatever the order of the rows."""
        assert planned(store(), run_id="r") == planned(store(), run_id="r")
        assert planned(store(), run_id="r") != planned(store(), run_id="s")

    def test_plans_that_differ_in_a_unit_are_unequal(self) -> None:
        """Units are compared one by one."""
        plan = planned(store(), run_id="r")
        first, *others = plan.units
        assert plan == attrs.evolve(plan, units=[first, *others])
        assert plan != attrs.evolve(plan, units=[attrs.evolve(first, number=9), *others])

    def test_its_repr_shows_no_identifier(self) -> None:
        """Units are left out, keys are masked."""
        shown = repr(planned(store()))
        assert "202555" not in shown
        assert "example" not in shown.replace("….org", "")
        assert "Zoë" not in shown

    def test_what_it_reports_masks_its_keys(self) -> None:
        """Drift and group sizes name groups."""
        assert repr(GroupSize("phone:+12025550141", 2)) == "GroupSize(key='phone:+1…41', leads=2)"
        assert repr(Drift(("phone:+12025550141",), ("c1",))) == (
            "Drift(groups=('phone:+1…41',), customers=('c1',))"
        )

    def test_its_changes_are_what_a_store_takes(self) -> None:
        """Run, units, figures, clock and the caller's choice."""
        plan = planned(store())
        changes = plan.changes("skip")
        assert (changes.run, changes.expected, changes.claims_at) == (plan.run, plan.stats, 0)
        assert (changes.on_stale, plan.changes().on_stale) == ("skip", "refuse")
        assert tuple(changes.units) == tuple(plan.units)


class TestSaving:
    """A plan as a file."""

    def test_a_loaded_plan_is_equal(self, saved: Path) -> None:
        """In every part, lone surrogates and moments included."""
        plan = planned(store())
        loaded = Plan.load(saved)
        assert attrs.evolve(loaded, run=plan.run) == plan
        assert attrs.evolve(loaded.run, id="") == attrs.evolve(plan.run, id="")
        assert loaded.mismatches == (Mismatch("Job", "gone", None, 1, "no lead"),)
        assert len(loaded.drift) == len(loaded.notes) == 1

    def test_a_plan_without_units_can_be_saved(self, tmp_path: Path) -> None:
        """There is nothing to do, and that is what it says."""
        plan = planned(InMemoryRepository())
        plan.save(str(tmp_path / "plan.json"))
        loaded = Plan.load(str(tmp_path / "plan.json"))
        assert loaded == plan
        assert tuple(loaded.units) == ()

    def test_unreadable_rows_are_kept(self, tmp_path: Path) -> None:
        """As pairs of row and reason."""
        plan = attrs.evolve(planned(store()), unreadable=(("l9", "no id"),))
        plan.save(tmp_path / "plan.json")
        assert Plan.load(tmp_path / "plan.json") == plan

    def test_the_file_is_its_owner_s(self, saved: Path) -> None:
        """It holds raw identifiers."""
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600

    def test_the_file_is_json_line_by_line(self, saved: Path) -> None:
        """What it is, the units, and an end."""
        first, *units, last = [json.loads(line) for line in saved.read_text().splitlines()]
        assert first["leadfold_plan"] == 1
        assert [unit["number"] for unit in units] == [*range(len(units))]
        assert "end" in last

    def test_a_file_that_is_there_is_left_as_it_is(self, tmp_path: Path) -> None:
        """A plan never takes another file's place."""
        path = tmp_path / "plan.json"
        path.write_text("mine")
        with pytest.raises(FileExistsError):
            planned(store()).save(path)
        assert path.read_text() == "mine"

    def test_a_failed_save_leaves_no_file(self, tmp_path: Path) -> None:
        """Half a plan is none."""

        def units() -> Any:  # noqa: ANN401 - an iterator of units that fails
            yield Unit(0, {}, {}, ())
            msg = "the store went away"
            raise OSError(msg)

        plan = attrs.evolve(planned(InMemoryRepository()), units=units())
        with pytest.raises(OSError, match="went away"):
            plan.save(tmp_path / "plan.json")
        assert [*tmp_path.iterdir()] == []

    def test_what_a_plan_cannot_hold_is_refused(self, tmp_path: Path) -> None:
        """Rather than written as something else."""
        plan = attrs.evolve(planned(store()), notes=(object(),))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="a plan holds no object"):
            plan.save(tmp_path / "plan.json")

    def test_a_loaded_plan_writes_what_the_plan_would(self, saved: Path) -> None:
        """Row for row."""
        direct, loaded = store(), store()
        one = backfill.apply(planned(direct), direct)
        other = backfill.apply(Plan.load(saved), loaded)
        assert (direct.leads(), direct.customers()) == (loaded.leads(), loaded.customers())
        assert direct.dependents("Job") == loaded.dependents("Job")
        assert one.stats == other.stats

    def test_a_saved_plan_is_applied_once(self, saved: Path) -> None:
        """The second time is refused by its run, and writes nothing."""
        repository = store()
        report = backfill.apply(Plan.load(saved), repository)
        before = repository.leads(), repository.customers(), repository.audit()
        with pytest.raises(RunExistsError, match=report.run_id) as refused:
            backfill.apply(Plan.load(saved), repository)
        assert refused.value.run_id == report.run_id
        assert (repository.leads(), repository.customers(), repository.audit()) == before


def _lines(edit: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    return lambda text: "".join(edit(text.splitlines(keepends=True)))


def _header(**fields: Any) -> Callable[[str], str]:  # noqa: ANN401 - whatever JSON holds
    def edit(lines: list[str]) -> list[str]:
        return [json.dumps({**json.loads(lines[0]), **fields}) + "\n", *lines[1:]]

    return _lines(edit)


def _unit(**fields: Any) -> Callable[[str], str]:  # noqa: ANN401 - whatever JSON holds
    def edit(lines: list[str]) -> list[str]:
        unit = json.dumps({**json.loads(lines[1]), **fields}) + "\n"
        return [lines[0], unit, *lines[2:]]

    return _lines(edit)


class TestDamage:
    """A file that is no plan, or no longer the plan that was saved, is refused."""

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param(lambda _: "", id="empty"),
            pytest.param(lambda _: "a text", id="text"),
            pytest.param(lambda _: "{}", id="another object"),
            pytest.param(lambda _: "[]", id="a list"),
            pytest.param(lambda _: "7", id="a number"),
            pytest.param(lambda _: "[" * 200_000, id="lists without an end"),
            pytest.param(lambda _: '{"leadfold_plan": 1}', id="a format and nothing else"),
            pytest.param(_header(leadfold_plan=2), id="a later format"),
            pytest.param(_header(leadfold_plan=True), id="a format that is no number"),
            pytest.param(_header(run=None), id="no run"),
            pytest.param(_header(run={"id": "r"}), id="half a run"),
            pytest.param(_header(stats=[]), id="figures that are none"),
            pytest.param(_header(drift=[{"groups": []}]), id="half a drift"),
            pytest.param(_header(large=[7]), id="sizes that are none"),
            pytest.param(_header(more=1), id="a field more"),
            pytest.param(_header(leads=7), id="another figure"),
            pytest.param(_unit(changes=[["erase", {}]]), id="an unknown change"),
            pytest.param(_unit(changes=[["link", {"lead_id": "l1"}]]), id="half a change"),
            pytest.param(_unit(changes=7), id="changes that are none"),
            pytest.param(_unit(number=9), id="another number"),
            pytest.param(_unit(leads={}), id="leads left out"),
            pytest.param(_lines(lambda lines: lines[:-1]), id="without its end"),
            pytest.param(_lines(lambda lines: [*lines[:1], *lines[2:]]), id="a unit left out"),
            pytest.param(_lines(lambda lines: [*lines[:2], *lines[1:]]), id="a unit twice"),
            pytest.param(
                _lines(lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]), id="units swapped"
            ),
            pytest.param(_lines(lambda lines: [*lines, lines[1]]), id="a unit after the end"),
            pytest.param(lambda text: text[:-30], id="cut in a line"),
            pytest.param(lambda text: text[: len(text) // 2], id="cut in half"),
            pytest.param(lambda text: text.replace("new-1", "c2"), id="another customer"),
            pytest.param(lambda text: text.replace("}", "]", 1), id="a sign changed"),
        ],
    )
    def test_it_is_refused_when_loaded(self, saved: Path, damage: Callable[[str], str]) -> None:
        """Before anything is written; the message names the file and the way out."""
        text = saved.read_text()
        saved.write_text(damage(text))
        assert saved.read_text() != text
        with pytest.raises(PlanFormatError) as refused:
            Plan.load(saved)
        assert str(refused.value).startswith(f"{saved} is no plan that can be applied: ")
        assert str(refused.value).endswith(": make a new plan")

    @pytest.mark.parametrize(
        ("damage", "what"),
        [
            pytest.param(lambda _: "", "format none, where this version reads 1", id="empty"),
            pytest.param(_header(leadfold_plan=2), "format 2, where", id="a later format"),
            pytest.param(_header(run=None), "its first line does not describe a plan", id="header"),
            pytest.param(_unit(changes=7), "unit 0 cannot be read", id="unit"),
            pytest.param(lambda text: text[:-30], "line 6 is not JSON", id="line"),
            pytest.param(_lines(lambda lines: [lines[0], "7\n"]), "line 2 is not an", id="object"),
            pytest.param(_unit(number=9), "cut short, or edited: make a new", id="edited"),
        ],
    )
    def test_the_message_says_what_is_wrong(
        self, saved: Path, damage: Callable[[str], str], what: str
    ) -> None:
        """With the line or the unit, where it can be told."""
        saved.write_text(damage(saved.read_text()))
        with pytest.raises(PlanFormatError) as refused:
            Plan.load(saved)
        assert f": {what}" in str(refused.value)

    def test_bytes_that_are_no_text_are_refused(self, saved: Path) -> None:
        """A picture, say."""
        saved.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
        with pytest.raises(PlanFormatError, match="make a new plan"):
            Plan.load(saved)

    def test_line_ends_of_another_system_are_no_damage(self, saved: Path) -> None:
        """Some transfers change them."""
        plan = Plan.load(saved)
        units = tuple(plan.units)
        saved.write_bytes(saved.read_bytes().replace(b"\n", b"\r\n"))
        assert tuple(Plan.load(saved).units) == units

    def test_a_file_that_is_not_there_is_the_system_s_to_tell(self, tmp_path: Path) -> None:
        """It is no damaged plan."""
        with pytest.raises(FileNotFoundError):
            Plan.load(tmp_path / "plan.json")

    def test_a_file_changed_after_loading_writes_nothing(self, saved: Path) -> None:
        """Units are read again when they are applied; a fault at the end undoes all."""
        repository, plan = store(), Plan.load(saved)
        saved.write_text("".join(saved.read_text().splitlines(keepends=True)[:-1]))
        before = repository.leads(), repository.customers()
        with pytest.raises(PlanFormatError):
            backfill.apply(plan, repository)
        assert (repository.leads(), repository.customers()) == before
        assert repository.audit() == ()
