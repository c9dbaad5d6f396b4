"""Whatever happens to a lead, in whatever order: what must always hold (DESIGN.md §3, §4; DOMAIN.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit import grading
from grids import absences, postings
from grids.demo import World
from grids.models import Posting
from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from kernel.deadlines import audit
from kernel.deadlines.models import Deadline
from kernel.errors import DomainError
from leads import (
    dispatch,
    handover,
    interim,
    leniency,
    lifecycle,
    look_backs,
    merging,
    pauses,
    rechecks,
    reclassification,
    recusal,
    referral,
    rejection,
    reopening,
    settling,
    signing,
    supervision,
)
from leads.intake import Told
from leads.interim import Interim
from leads.leniency import Proposal
from leads.lifecycle import Outcome
from leads.models import (
    DisposalKind,
    Instruction,
    Lead,
    LookBack,
    RejectReason,
    Route,
    Signature,
    SupervisionOrder,
    SuspendReason,
)
from leads.states import OPEN, OWNED, State
from reports import kpi, rollup
from reports.models import DailyGridStat
from tests.factories import leads as made
from tests.factories.after import rectify
from tests.factories.grids import make_entity
from tests.factories.leads import GUIDED, let_clocks_fire, pass_time, take_any
from tests.factories.ledger import check_facts

PEOPLE = (
    "commissioner-01", "commissioner-02", "worker-01-1", "worker-01-2", "worker-01-3", "office", "clerk",
    "community", "bureau", "bureau-02", "section-legal", "leader",
)  # fmt: skip
SPANS = [timedelta(minutes=m) for m in (1, 31, 119, 121, 12 * 60, 24 * 60 + 1, 3 * 24 * 60, 8 * 24 * 60)]
LATE = (
    ("respond_counted", "responded_on_time"), ("feedback_counted", "fed_back_on_time"),
    ("strict_counted", "strict_on_time"), ("closing_counted", "closed_on_time"),
)  # fmt: skip


class Story:
    """One lead, another of the same matter beside it, and everybody around them."""

    def __init__(self, world: World, category: str, chance: Random) -> None:
        self.world = world
        self.day = clock.today()
        self.chance = chance
        shop = make_entity(world, 1).pk
        told = {"by": "clerk-01", "told": Told("李四", "13800001111")}
        self.lead = made.reported(
            world,
            category=category,
            fixed_on_spot=True,
            entity_id=shop,
            **(told if chance.random() < 0.5 else {}),
        )
        self.other = made.reported(world, category=category, entity_id=shop)
        self.late = dict.fromkeys(LATE, 0)

    def person(self, name: str) -> User:
        match name:
            case "office":
                return self.world.head_of(1)
            case "clerk":
                return self.world.clerk_of(1)
            case "community":
                return self.world.community_head_of(1)
        return self.world.user(name)

    def now(self) -> Lead:
        return Lead.objects.get(pk=self.lead.pk)


def on(story: Story, by: User, **more: Any) -> dict[str, Any]:
    return {"lead_id": story.lead.pk, "by": by, "expect": take_any, **more}


def feed_back(outcome: Callable[[], Outcome]) -> Callable[[Story, User], Any]:
    return lambda s, by: lifecycle.feed_back(**on(s, by, outcome=outcome()))


def handed_over() -> Outcome:
    return Outcome(DisposalKind.HANDED_OVER, "移交公安", department="police")


def lenient(s: Story, by: User) -> Any:
    said = Proposal(Route.NO_FAULT, proof="已尽进货查验义务", guidance="已讲解规定")
    outcome = Outcome(DisposalKind.LENIENCY, "没有主观过错", leniency=said)
    return lifecycle.feed_back(**on(s, by, outcome=outcome, awaited=[f"{s.now().round:064d}"]))


def leaves(s: Story, by: User) -> Any:
    """Their posting ends: what they own is handed on."""
    posting = Posting.objects.active(clock.now()).filter(user=by).first()
    if posting is not None and posting.role != "BUREAU":
        postings.end(posting=posting, at=clock.now(), by=None)


def is_away(s: Story, by: User) -> Any:
    at, other = clock.now(), s.person(s.chance.choice(PEOPLE))
    return absences.record(
        user=by, stand_in=other, starts_at=at, ends_at=at + timedelta(days=2), reason="请假",
        by=s.person("bureau"), at=at,
    )  # fmt: skip


def ahead(**span: float) -> Any:
    return clock.now() + timedelta(**span)


def extend(s: Story, by: User) -> Any:
    row = Deadline.objects.filter(
        subject_kind="lead", subject_id=s.lead.pk, kind__in=["feedback", "final"], state="running"
    ).first()
    return row and pauses.extend(**on(s, by, until=row.due_at + timedelta(days=2), reason="等报告"))


def decide(approve: bool) -> Callable[[Story, User], Any]:
    def act(s: Story, by: User) -> Any:
        row = Approval.objects.waiting().filter(subject_kind="lead").order_by("-id").first()
        return row and approvals.decide(
            approval_id=row.pk, by=by, approve=approve, expect=take_any, note="已阅"
        )

    return act


def acknowledge(instruction: Instruction) -> Callable[[Story, User], Any]:
    def act(s: Story, by: User) -> Any:
        row = SupervisionOrder.objects.filter(lead=s.lead, state="open").order_by("-id").first()
        return row and supervision.acknowledge(
            order_id=row.pk, by=by, expect=take_any, instruction=instruction, note="请抓紧",
            assignee_id=s.world.commissioner(2).pk,
        )  # fmt: skip

    return act


def look_back(passed: bool) -> Callable[[Story, User], Any]:
    def act(s: Story, by: User) -> Any:
        row = LookBack.objects.waiting().filter(lead=s.lead).order_by("due_at").first()
        return row and look_backs.complete(
            look_back_id=row.pk, by=by, expect=take_any, passed=passed, note="回头看"
        )

    return act


def dispatch_to(name: str) -> Callable[[Story, User], Any]:
    return lambda s, by: dispatch.dispatch(**on(s, by, assignee_id=s.person(name).pk, reason="改派"))


ACTS: dict[str, Callable[[Story, User], Any]] = {
    "respond": lambda s, by: lifecycle.respond(**on(s, by)),
    "confirm": lambda s, by: lifecycle.confirm_handover(**on(s, by)),
    "control": lambda s, by: lifecycle.control(**on(s, by, note="已封存")),
    "feed back": feed_back(lambda: GUIDED),
    "order": feed_back(rectify),
    "hand over": feed_back(handed_over),
    "lenient": lenient,
    "officer": lambda s, by: leniency.sign(**on(s, by, card_number=f"SD-{by.pk}", form_number="2026-1")),
    "leaves": leaves,
    "away": is_away,
    "verify": lambda s, by: lifecycle.verify(**on(s, by, note="代")),
    "rework": lambda s, by: lifecycle.rework(**on(s, by, reason="仍有积水")),
    "settle": lambda s, by: settling.settle(**on(s, by, outcome=GUIDED)),
    "interim": lambda s, by: interim.give(**on(s, by, interim=Interim("已查", "待检", ahead(days=3)))),
    "later": lambda s, by: interim.give(**on(s, by, interim=Interim("再查", "再检", ahead(days=9)))),
    "suspend": lambda s, by: pauses.suspend(
        **on(s, by, reason_kind=SuspendReason.TEST_RESULT, until=ahead(days=2), note="送检")
    ),
    "resume": lambda s, by: pauses.resume(**on(s, by)),
    "extend": extend,
    "approve": decide(True),
    "refuse": decide(False),
    "reject": lambda s, by: rejection.reject(
        **on(s, by, reason_kind=RejectReason.OTHER, note="不属本所")
    ),
    "to food": lambda s, by: reclassification.reclassify(**on(s, by, category="F03", reason="是食品")),
    "out of food": lambda s, by: reclassification.reclassify(
        **on(s, by, category="L01", reason="不是食品")
    ),
    "recuse": lambda s, by: recusal.recuse(**on(s, by, reason="亲属")),
    "give to 2": dispatch_to("commissioner-02"),
    "give to head": dispatch_to("office"),
    "merge": lambda s, by: merging.merge(**on(s, by, into_id=s.other.pk)),
    "take in": lambda s, by: merging.merge(
        lead_id=s.other.pk, by=by, expect=take_any, into_id=s.lead.pk
    ),
    "unmerge": lambda s, by: merging.unmerge(**on(s, by, reason="不是一回事")),
    "receipt": lambda s, by: referral.enter_receipt(**on(s, by)),
    "correct": lambda s, by: rechecks.correct(**on(s, by, note="已改正")),
    "recheck": lambda s, by: rechecks.recheck(**on(s, by, passed=True, note="已改正")),
    "recheck failed": lambda s, by: rechecks.recheck(**on(s, by, passed=False, note="未改正")),
    "countersign": lambda s, by: rechecks.countersign(**on(s, by, note="属实")),
    "countersign not": lambda s, by: rechecks.countersign(**on(s, by, agree=False, note="不实")),
    "look back": look_back(True),
    "relapse": look_back(False),
    "reopen": lambda s, by: reopening.reopen(**on(s, by, reason="又有")),
    "finish today": acknowledge(Instruction.FINISH_TODAY),
    "agree": acknowledge(Instruction.AGREE_EXTENSION),
    "go": acknowledge(Instruction.GO_MYSELF),
    "reassign": acknowledge(Instruction.REASSIGN),
}  # fmt: skip

LIKELY = {
    State.REPORTED: ("give to 2", "merge"),
    State.DISPATCHED: (
        "respond", "respond", "respond", "settle", "reject", "merge", "recuse", "give to 2", "take in",
    ),
    State.RESPONDED: (
        "feed back", "order", "hand over", "interim", "later", "suspend", "extend", "approve", "refuse",
        "reject", "control", "give to head", "recuse", "merge", "take in", "to food", "out of food",
        "order", "order", "order", "lenient", "lenient",
    ),
    State.SUSPENDED: ("resume", "out of food", "approve", "finish today", "agree"),
    State.FED_BACK: (
        "verify", "verify", "verify", "rework", "receipt", "correct", "confirm", "approve", "officer",
    ),
    State.CLOSED: (
        "recheck", "recheck", "countersign", "reopen", "look back", "relapse", "recheck failed",
        "countersign not", "receipt", "correct",
    ),
    State.REJECTED: ("reopen",),
    State.MERGED: ("unmerge",),
}  # fmt: skip
"""What is tried more often in a state than anything at all."""


def somebody(story: Story, name: str) -> Any:
    """Who would do it: tried one after the other, in any order, until one may."""
    for who in story.chance.sample(PEOPLE, len(PEOPLE)):
        try:
            with transaction.atomic():
                ACTS[name](story, story.person(who))
            return who
        except DomainError:
            continue
    return None


def step(story: Story) -> str:
    lead, chance = story.now(), story.chance
    name = chance.choice(tuple(ACTS) if chance.random() < 0.2 else LIKELY[State(lead.state)])
    who = somebody(story, name)
    span = chance.choice(SPANS) if chance.random() < 0.4 else None
    if span is not None:
        pass_time(span)
    let_clocks_fire()
    handover.sweep_vacant()
    grading.regrade_dirty()
    return f"{lead.state}: {name} by {who}, then {span}"


def check(story: Story, told: list[str]) -> None:
    lead, at = story.now(), clock.now()
    assert not lead.recusals.filter(person_id=lead.assignee_id).exists(), told
    assert not (lead.state in OWNED and handover.owner_has_gone(lead)), told
    assert [f.sentence for f in audit.faults()] == [], told
    if lead.state in OPEN:
        assert _somebody_will_hear(lead, at), told
    assert signing.verify_digests(Signature.objects.all()) == [], told
    for one in (lead, Lead.objects.get(pk=story.other.pk)):
        check_facts(one)
    sides = {(s.signer_id, s.side) for s in Signature.objects.filter(lead=lead)}
    assert len({signer for signer, _ in sides}) == len(sides), told
    rollup.rebuild([story.day], as_of=at)
    found = kpi.total(row.counts() for row in DailyGridStat.objects.filter(day=story.day))
    for pair in LATE:
        late = found[pair[0]] - found[pair[1]]
        if not any("unmerge" in one for one in told):
            assert late >= story.late[pair], (pair, told)
        story.late[pair] = late


def _somebody_will_hear(lead: Lead, at: Any) -> bool:
    """A clock that will fire, a request that waits, an order that is open, or listed as late."""
    return (
        Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, state="running").exists()
        or Approval.objects.of("lead", lead.pk).waiting().exists()
        or lead.orders.filter(state="open").exists()
        or Lead.objects.overdue(at).filter(pk=lead.pk).exists()
        or Deadline.objects.filter(
            subject_kind="lead", subject_id=lead.pk, kind="verify_stead", cycle=lead.round, state="breached"
        ).exists()
    )


def play(world: World, chance: Random, length: int) -> None:
    with transaction.atomic():
        made.stand_at(made.TUESDAY)
        category = chance.choice(["L01", "F03", "00"])
        story, told = Story(world, category, chance), [category]
        for _ in range(length):
            told.append(step(story))
            check(story, told)
        transaction.set_rollback(True)


def histories(examples: int) -> settings:
    """Chosen by hypothesis, so that what fails is told again, and shortened."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@histories(7)
@given(st.randoms(use_true_random=False), st.integers(6, 16))
def test_whatever_happens(world: World, chance: Random, length: int) -> None:
    play(world, chance, length)


@pytest.mark.long
@histories(25)
@given(st.randoms(use_true_random=False), st.integers(10, 30))
def test_whatever_happens_for_long(world: World, chance: Random, length: int) -> None:
    play(world, chance, length)
