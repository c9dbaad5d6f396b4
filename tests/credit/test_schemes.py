"""The scheme's life: drafted, edited, tried, put in force by another, dropped."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from credit import grading, schemes, trial
from credit.models import CreditAssessment, CreditScheme, CreditStanding, DirtyEntity
from credit.scheme import SchemeError
from credit.schemes import Changes
from grids.demo import World
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from tests.credit import asked
from tests.credit.asked import take_any
from tests.factories.leads import TUESDAY, stand_at

STRICT: dict[str, Any] = {"limits": {"a": 99}}


def drafted(world: World) -> CreditScheme:
    return schemes.draft(by=world.user("bureau"), title="更严的A级")


def edited(world: World, rules: dict[str, Any] = STRICT, by: User | None = None) -> CreditScheme:
    row = drafted(world)
    return schemes.edit(
        scheme_id=row.pk, by=by or world.user("bureau"), expect=take_any, changes=Changes(rules=rules)
    )


def tried(world: World, rules: dict[str, Any] = STRICT) -> CreditScheme:
    row = edited(world, rules)
    schemes.ask_trial(scheme_id=row.pk, by=world.user("bureau"), expect=take_any)
    assert trial.run_asked() == 1
    row.refresh_from_db()
    return row


def test_a_draft_begins_with_what_is_in_force(world: World) -> None:
    row = drafted(world)
    assert (row.version, row.revision, row.state) == (2, 1, "DRAFT")
    assert row.rules == CreditScheme.objects.get(state="IN_FORCE").rules
    assert drafted(world).pk == row.pk
    with pytest.raises(Conflict) as refused:
        schemes.draft(by=world.user("bureau"), title="另一份")
    assert refused.value.code == "draft_exists"


@pytest.mark.parametrize("who", ["leader", "auditor", "section-credit", "office-01", "worker-01-1"])
def test_only_the_bureau_drafts(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        schemes.draft(by=world.user(who), title="草案")


def test_an_edit_names_single_values_and_says_what_differs(world: World) -> None:
    row = edited(world, {"limits": {"a": 92}, "patrol": {"months": 12}})
    now = CreditScheme.objects.get(state="IN_FORCE").rules
    found = [(one.path, one.before, one.after) for one in schemes.differences(now, row.rules)]
    assert found == [("patrol.months", 6, 12), ("limits.a", 90, 92)]
    assert row.revision == 2


def test_every_fault_is_named_at_once(world: World) -> None:
    with pytest.raises(SchemeError) as refused:
        edited(world, {"limits": {"a": 60, "z": 1}, "patrol": {"months": "六"}, "nothing": {}})
    assert {one.path for one in refused.value.faults} >= {"limits.z", "patrol.months", "nothing"}
    assert CreditScheme.objects.get(state="DRAFT").revision == 1


def test_a_trial_tells_who_would_move_and_changes_nothing(world: World) -> None:
    good, fair = (
        asked.shop_with(world, asked.good()),
        asked.shop_with(world, asked.good(participation=False), 2),
    )
    row = tried(world)
    found = row.trial
    assert found is not None
    assert (found["entities"], found["falls"], found["rises"]) == (2, 1, 0)
    assert found["matrix"] == {"A": {"A": 1, "B": 1, "C": 0, "D": 0}}
    assert [one["falls"] for one in found["grids"]] == [0, 1]
    assert [one[:3] for one in found["movers"]] == [[fair.pk, "A", "B"]]
    assert (row.trial_asked_at, row.trial_done) == (None, 2)
    standings = CreditStanding.objects.filter(entity__in=[good.pk, fair.pk])
    assert set(standings.values_list("effective_grade", "scheme__version")) == {("A", 1)}
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(trial.sheet(found))).get_sheet_by_index(0)
    assert fair.grid is not None
    assert sheet.to_python()[1][:5] == [fair.pk, fair.name, fair.grid.code, "A", "B"]


def test_who_would_rise_is_told_apart_and_waits_for_a_review(world: World) -> None:
    shop = asked.shop_with(world, asked.good(participation=False))
    story = asked.Story(on=asked.DAY)
    story.times(3, "COMPLAINT", "SUBSTANTIATED", ago=1)
    asked.keep(story, shop.pk)
    assert asked.grade(shop).effective_grade == "B"
    found = tried(world, {"complaint": {"substantiated": 0}}).trial
    assert found is not None
    assert (found["falls"], found["rises"]) == (0, 1)
    assert found["matrix"]["B"] == {"A": 0, "B": 1, "C": 0, "D": 0}
    assert found["computed"]["B"] == {"A": 1, "B": 0, "C": 0, "D": 0}


def test_higher_apps_add_what_follows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_effects", {})
    asked.shop_with(world, asked.good(participation=False))
    trial.register_effect("巡查任务", lambda moves, _, on: {"moves": len(moves), "on": on.isoformat()})
    found = tried(world).trial
    assert found is not None
    assert found["effects"] == {"巡查任务": {"moves": 1, "on": "2026-03-10"}}


def test_a_trial_that_fails_says_so_and_may_be_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    row = edited(world)
    schemes.ask_trial(scheme_id=row.pk, by=world.user("bureau"), expect=take_any)
    monkeypatch.setattr(trial, "run", fails)
    with pytest.raises(ZeroDivisionError):
        trial.run_asked()
    row.refresh_from_db()
    assert (row.trial_asked_at, bool(row.trial_error)) == (None, True)
    assert trial.run_asked() == 0


def test_nothing_takes_effect_untried_or_by_its_author(world: World) -> None:
    row = edited(world)
    with pytest.raises(Conflict) as refused:
        schemes.put_in_force(scheme_id=row.pk, by=world.user("leader"), expect=take_any)
    assert refused.value.code == "not_tried"
    row = tried(world) if row.trial_digest else _try(world, row)
    with pytest.raises(NotAllowed) as own:
        schemes.put_in_force(scheme_id=row.pk, by=world.user("bureau"), expect=take_any)
    assert own.value.code == "own_scheme"
    schemes.edit(
        scheme_id=row.pk,
        by=world.user("bureau"),
        expect=take_any,
        changes=Changes(rules={"limits": {"a": 98}}),
    )
    with pytest.raises(Conflict):
        schemes.put_in_force(scheme_id=row.pk, by=world.user("leader"), expect=take_any)


def _try(world: World, row: CreditScheme) -> CreditScheme:
    schemes.ask_trial(scheme_id=row.pk, by=world.user("bureau"), expect=take_any)
    trial.run_asked()
    row.refresh_from_db()
    return row


def test_in_force_it_grades_everybody_and_the_old_one_retires(world: World) -> None:
    shop = asked.shop_with(world, asked.good(participation=False))
    row = tried(world)
    DirtyEntity.objects.all().delete()
    stand_at(TUESDAY + timedelta(days=1))
    for _ in range(2):
        row = schemes.put_in_force(scheme_id=row.pk, by=world.user("leader"), expect=take_any)
    assert row.state == "IN_FORCE"
    old = CreditScheme.objects.get(version=1)
    assert (old.state, old.retired_at) == ("RETIRED", TUESDAY + timedelta(days=1))
    assert DirtyEntity.objects.count() == 1
    assert schemes.regraded(row) == (0, 1)
    grading.regrade_dirty()
    assert schemes.regraded(row) == (1, 1)
    assert CreditStanding.objects.get(pk=shop.pk).effective_grade == "B"
    newest = CreditAssessment.objects.filter(entity=shop).latest("pk")
    assert (newest.trigger, newest.scheme_id) == ("SCHEME", row.pk)


def test_dropped_with_a_reason_it_makes_room(world: World) -> None:
    row = drafted(world)
    with pytest.raises(Refused):
        schemes.drop(scheme_id=row.pk, by=world.user("leader"), expect=take_any, reason="")
    row = schemes.drop(scheme_id=row.pk, by=world.user("leader"), expect=take_any, reason="不再需要")
    assert row.state == "DROPPED"
    assert drafted(world).version == 3


@pytest.mark.parametrize("who", ["worker-01-1", "police", "admin"])
def test_drafts_are_for_the_bureau(world: World, who: str) -> None:
    row = drafted(world)
    with pytest.raises(NotVisible):
        schemes.drop(scheme_id=row.pk, by=world.user(who), expect=take_any, reason="试试")
