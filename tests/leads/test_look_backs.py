"""回头看: two for every passed recheck, none is ever forgotten (DESIGN.md §9, DOMAIN.md §3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grids import postings
from grids.demo import World
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.deadlines import audit, clocks
from kernel.deadlines.models import Deadline, Event
from kernel.deadlines.policy import Limit
from kernel.errors import Conflict, NotAllowed
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from leads import lifecycle, look_backs, policy, rechecks, reopening
from leads.models import Lead, LookBack, Recheck, Reopening
from leads.states import State
from tests.factories import leads as made
from tests.factories.after import cleared, look_backs_of, ordered, rectify
from tests.factories.leads import GUIDED, take_any
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LIMITS = {
    kind: Limit(kind, 1, days * 1440)
    for kind, days in {
        "look_back": 7, "look_back_food": 3, "look_back_again": 30, "look_back_window": 3,
    }.items()
}  # fmt: skip


# --- the rule, pure --------------------------------------------------------------------------------


@given(st.integers(0, 6 * 365 * 24 * 60), st.booleans())
def test_seven_days_or_three_and_thirty_to_the_end_of_the_day(minute: int, food: bool) -> None:
    passed_at = datetime(2024, 1, 1, tzinfo=SHANGHAI) + timedelta(minutes=minute)
    first, second = policy.look_backs(passed_at, food=food, limits_in_force=LIMITS)
    assert (first.number, second.number) == (1, 2)
    assert first.due_on == passed_at.date() + (3 if food else 7) * DAY
    assert second.due_on == passed_at.date() + 30 * DAY
    for one in (first, second):
        assert one.due_at == datetime.combine(one.due_on + DAY, datetime.min.time(), SHANGHAI)
        assert passed_at.date() < one.opens_at.astimezone(SHANGHAI).date() <= one.due_on


@pytest.mark.parametrize(
    ("now", "then"),
    [("MINOR", "MODERATE"), ("MODERATE", "SERIOUS"), ("SERIOUS", "URGENT"), ("URGENT", "URGENT")],
)
def test_one_step_up(now: str, then: str) -> None:
    assert policy.severer(now) == then


# --- scheduled by themselves -----------------------------------------------------------------------


def row_of(lead: Lead, number: int = 1) -> LookBack:
    return LookBack.objects.filter(lead=lead, number=number).latest("id")


def complete(world: World, row: LookBack, passed: bool = True, by: str = "worker-01-1") -> LookBack:
    user = world.user(by)
    return look_backs.complete(
        look_back_id=row.pk, by=user, expect=take_any, passed=passed, note="到店回头看"
    )


def test_the_recheck_schedules_both_with_their_clocks(world: World) -> None:
    lead = cleared(world)
    assert [one.due_on for one in LookBack.objects.filter(lead=lead)] == [date(2026, 3, 17), date(2026, 4, 9)]
    kinds = Deadline.objects.filter(subject_id=lead.pk, state="running").values_list("kind", "due_at")
    assert {kind: due_at for kind, due_at in kinds if kind in look_backs.KINDS} == {
        "look_back": datetime(2026, 3, 18, tzinfo=SHANGHAI),
        "look_back_again": datetime(2026, 4, 10, tzinfo=SHANGHAI),
    }


def test_food_is_looked_back_at_after_three_days(world: World) -> None:
    lead = cleared(world, category="F03")
    assert row_of(lead).due_on == date(2026, 3, 13)
    assert Deadline.objects.get(subject_id=lead.pk, kind="look_back_food").state == "running"


def test_passed_meets_its_clock_and_leaves_the_other(world: World) -> None:
    lead = cleared(world)
    made.pass_time(6 * DAY)
    done = complete(world, row_of(lead))
    assert (done.state, done.by_id, done.done_at) == ("passed", world.worker(1).pk, clock.now())
    assert complete(world, done).version == done.version, "said again"
    states = dict(Deadline.objects.filter(subject_id=lead.pk).values_list("kind", "state"))
    assert (states["look_back"], states["look_back_again"]) == ("met", "running")
    assert Lead.objects.get(pk=lead.pk).state == State.CLOSED


def test_it_is_not_done_before_its_time_but_what_came_back_is_told_at_once(world: World) -> None:
    lead = cleared(world)
    with pytest.raises(Conflict) as refused:
        complete(world, row_of(lead))
    assert refused.value.code == "too_early"
    assert complete(world, row_of(lead), passed=False).state == "failed"


def test_a_failed_one_reopens_the_lead_one_severity_higher(world: World) -> None:
    lead = cleared(world, severity="MINOR")
    made.pass_time(6 * DAY)
    failed = complete(world, row_of(lead), passed=False)
    lead.refresh_from_db()
    assert (lead.state, lead.round, lead.severity) == (State.RESPONDED, 2, "MODERATE")
    assert (lead.cleared_at, lead.reopen_count) == (None, 1)
    assert Reopening.objects.get(lead=lead).cause == "look_back"
    assert row_of(lead, 2).state == "cancelled"
    assert Deadline.objects.get(subject_id=lead.pk, kind="look_back_again").state == "cancelled"
    assert complete(world, failed, passed=False).state == "failed", "said again, nothing more happens"
    assert Lead.objects.get(pk=lead.pk).round == 2
    with pytest.raises(Conflict) as refused:
        complete(world, row_of(lead, 2))
    assert refused.value.code == "look_back_over"


def test_the_new_round_is_looked_back_at_anew(world: World) -> None:
    lead = cleared(world)
    made.pass_time(6 * DAY)
    complete(world, row_of(lead), passed=False)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=rectify())
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    rechecks.recheck(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, passed=True, note="再次复查")
    rechecks.countersign(lead_id=lead.pk, by=world.worker(1, 3), expect=take_any)
    assert [one[:3] for one in look_backs_of(lead)] == [
        (1, 1, "failed"), (1, 2, "cancelled"), (2, 1, "scheduled"), (2, 2, "scheduled"),
    ]  # fmt: skip
    assert Deadline.objects.get(subject_id=lead.pk, kind="look_back", cycle=2).state == "running"


def test_who_may(world: World) -> None:
    lead = cleared(world)
    made.pass_time(6 * DAY)
    for nobody in ("clerk-01", "leader", world.head_of(1).username):
        with pytest.raises(NotAllowed) as refused:
            complete(world, row_of(lead), by=nobody)
        assert refused.value.code == "not_look_back"
    for username in ("commissioner-01", "worker-01-1", "worker-01-2", "worker-01-3"):
        postings.end(posting=world.posting_of(username), at=clock.now(), by=None)
    assert complete(world, row_of(lead), by=world.head_of(1).username).state == "passed", "nothing waits"


def test_a_late_one_is_told_and_may_still_be_done(world: World) -> None:
    lead = cleared(world)
    for kind in ("look_back_80", "look_back"):
        made.pass_time(until=Deadline.objects.get(subject_id=lead.pk, kind=kind).due_at)
    told = OutboxMessage.objects.filter(subject_id=lead.pk, template="leads.look_back_late")
    people = set(told.values_list("recipient__username", flat=True))
    assert people >= {"commissioner-01", "worker-01-1", world.head_of(1).username}
    assert OutboxMessage.objects.filter(subject_id=lead.pk, template="leads.look_back_soon").exists()
    assert complete(world, row_of(lead)).state == "passed"
    assert Deadline.objects.get(subject_id=lead.pk, kind="look_back").state == "breached"
    assert Event.objects.filter(subject_id=lead.pk, kind="look_back").count() == 1


# --- none is ever forgotten ------------------------------------------------------------------------


def test_the_sweep_schedules_what_is_missing_and_nothing_else(world: World) -> None:
    lead = ordered(world)
    forgot = Recheck.objects.create(
        lead=lead, round=1, state="passed", note="历史数据", by=world.commissioner(1), at=clock.now(),
        countersigned_by=world.worker(1, 3), countersigned_at=clock.now(),
    )  # fmt: skip
    cleared(world, 1)
    assert look_backs.forgotten() == [forgot.pk]
    assert [fault.rule for fault in audit.faults()] == ["look_back_forgotten"]
    made.pass_time(10 * DAY)
    assert look_backs.schedule_missing() == 1
    assert [one[:3] for one in look_backs_of(lead)] == [(1, 1, "scheduled"), (1, 2, "scheduled")]
    assert row_of(lead).due_on == date(2026, 3, 17), "from the recheck, not from the sweep"
    assert (look_backs.schedule_missing(), look_backs.forgotten()) == (0, [])
    [entry] = Entry.objects.filter(stream=lead.stream, kind="lead.look_backs_scheduled")
    assert (entry.actor_id, entry.data["by_itself"]) == (None, True)
    made.pass_time(timedelta(seconds=1))
    assert Deadline.objects.get(subject_id=lead.pk, kind="look_back").state == "breached"


@dataclass
class Rule:
    """What DESIGN.md §3 and §9 say of one lead's history: written down apart from the product."""

    food: bool = False
    round: int = 1
    stands: str = "open"
    severity: int = 0
    rows: dict[tuple[int, int], list[Any]] = field(default_factory=dict)

    def pass_recheck(self, today: date) -> None:
        self.stands = "cleared"
        self.rows[self.round, 1] = ["scheduled", today + (3 if self.food else 7) * DAY]
        self.rows[self.round, 2] = ["scheduled", today + 30 * DAY]

    def reopen(self, *, severer: bool = False) -> None:
        for row in self.rows.values():
            if row[0] == "scheduled":
                row[0] = "cancelled"
        self.severity = min(self.severity + severer, 3)
        self.round, self.stands = self.round + 1, "open"

    def next_look_back(self) -> tuple[int, int] | None:
        waiting = [key for key, row in self.rows.items() if row[0] == "scheduled"]
        return min(waiting, default=None)


STEPS = st.lists(
    st.sampled_from(["rectify", "guided", "pass", "fail", "disagree", "ok", "relapse", "head", "wait"]),
    min_size=3,
    max_size=10,
)


def step(world: World, lead: Lead, rule: Rule, what: str) -> None:
    """One step of a history, through the services and by the rule; what makes no sense now is left out."""
    common: dict[str, Any] = {"lead_id": lead.pk, "expect": take_any}
    commissioner, worker = world.commissioner(1), world.worker(1, 2)
    today = clock.local_date(clock.now())
    if what == "wait":
        made.pass_time(5 * DAY)
    elif what in ("rectify", "guided") and rule.stands == "open":
        outcome = rectify(1) if what == "rectify" else GUIDED
        lifecycle.feed_back(by=commissioner, outcome=outcome, **common)
        lifecycle.verify(by=worker, **common)
        rule.stands = "ordered" if what == "rectify" else "done"
    elif what in ("pass", "fail", "disagree") and rule.stands == "ordered":
        if what == "fail":
            made.pass_time(3 * DAY)
        rechecks.recheck(by=commissioner, passed=what != "fail", note="复查", **common)
        if what != "fail":
            rechecks.countersign(by=worker, agree=what == "pass", note="看过", **common)
        rule.pass_recheck(today) if what == "pass" else rule.reopen()
    elif what in ("ok", "relapse") and (key := rule.next_look_back()) is not None:
        row = LookBack.objects.get(lead=lead, round=key[0], number=key[1])
        made.pass_time(max(row.opens_at - clock.now(), timedelta()))
        complete(world, row, passed=what == "ok")
        rule.rows[key][0] = "passed" if what == "ok" else "failed"
        if what == "relapse":
            rule.reopen(severer=True)
    elif what == "head" and rule.stands in ("ordered", "done", "cleared"):
        reopening.reopen(by=world.head_of(1), reason="群众反映又有问题", **common)
        rule.reopen()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["L02", "F05", "F03", "P03"]), STEPS)
@example("L02", ["rectify", "fail", "rectify", "fail"])
@example("F03", ["rectify", "disagree", "rectify", "disagree"])
def test_the_schedule_of_any_history_matches_the_rule(world: World, category: str, steps: list[str]) -> None:
    with transaction.atomic():
        made.stand_at(made.TUESDAY)
        lead = made.responded(world, category=category, severity="MINOR")
        rule = Rule(food=category.startswith("F"))
        for what in steps:
            step(world, lead, rule, what)
        lead.refresh_from_db()
        rows = LookBack.objects.filter(lead=lead)
        assert {(o.round, o.number): [o.state, o.due_on] for o in rows} == rule.rows
        assert (lead.round, policy.SEVERITIES.index(lead.severity)) == (rule.round, rule.severity)
        assert (lead.cleared_at is not None) == (rule.stands == "cleared")
        assert look_backs.forgotten() == []
        live = Deadline.objects.filter(subject_id=lead.pk, state__in=clocks.LIVE, kind__in=look_backs.KINDS)
        due = {row.due_at for row in rows if row.state == "scheduled" and row.due_at > clock.now()}
        assert {one.due_at for one in live} == due
        transaction.set_rollback(True)


# --- over HTTP -------------------------------------------------------------------------------------


def test_the_list_and_doing_one_over_http(world: World, api: Api) -> None:
    lead = cleared(world, severity="MINOR")
    worker = world.worker(1)
    listed = api.get(worker, "look-backs/", state="scheduled", grid="370983001-L01").json()["results"]
    assert [one["number"] for one in listed] == [1, 2]
    assert api.get(worker, "look-backs/", due="true").json()["results"] == []
    made.pass_time(7 * DAY)
    [due] = api.get(worker, "look-backs/", due="true").json()["results"]
    assert (due["lead_number"], due["due_on"]) == (lead.number, "2026-03-17")
    path, said = f"look-backs/{due['id']}/complete/", {"result": "failed", "note": "老鼠又来了"}
    assert api.post(worker, path, said).status_code == 428
    assert api.post(worker, path, said, 7).status_code == 412
    assert api.post(worker, path, said | {"result": "maybe"}, 1).status_code == 400
    assert code_of(api.post(world.worker(21), path, said, 1)) == "not_found"
    answer = api.post(worker, path, said, 1)
    assert (answer.status_code, answer.json()["state"]) == (200, "failed"), answer.content
    shown = api.get(worker, f"leads/{lead.pk}/").json()
    assert (shown["state"], shown["severity"]) == ("responded", "MODERATE")
    assert [one["state"] for one in shown["look_backs"]] == ["failed", "cancelled"]
    assert [one["cause"] for one in shown["reopenings"]] == ["look_back"]
    assert api.get(worker, f"look-backs/{due['id']}/").json()["state"] == "failed"
