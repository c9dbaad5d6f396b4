"""What a lead tells the credit ledger: facts, pushed in the transaction of the act (DESIGN.md §8).

Only of a lead that names a business, and never of a tip-off (举报): nothing of it may be seen at the shop.
One event scores once: a round that deals with the same problem again repeats no finding; only a failed
look-back (反弹) begins a new problem. What a later round shows to be untrue is withdrawn. Sources:
`lead:<id>:opened:<round>`, `lead:<id>:closed:<round>`, `lead:<id>:<round>:<what>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from credit import ledger
from credit.facts import FactKind
from credit.ledger import NewFact
from credit.models import CreditFact
from kernel.clock import local_date
from kernel.deadlines.handlers import Fired
from leads import case_numbers
from leads.acts import Act
from leads.models import Correction, Disposal, DisposalKind, Lead, LookBack, Matter, Recheck, Reopening
from leads.models.platform import MatterKind
from leads.states import State

COMPLAINTS = "C"
"""The group of categories (消费维权) whose leads are complaints."""
VERDICTS = frozenset({FactKind.FINDING, FactKind.COMPLAINT, FactKind.LENIENCY})
OF_THE_ORDER = frozenset(
    {FactKind.RECTIFICATION_ORDERED, FactKind.RECTIFICATION_DONE, FactKind.RECTIFICATION_OVERDUE}
)
DOUBTED = frozenset({Reopening.Cause.HEAD, Reopening.Cause.SURVEY})
"""Reopened because the result was doubted: if nothing is found then, nothing was there before."""
INSTANT = timedelta(microseconds=1)


def is_told(lead: Lead) -> bool:
    """Does the ledger hear of this lead at all?"""
    return lead.entity_id is not None and not lead.restricted


def _fact(lead: Lead, kind: FactKind, what: str, at: datetime, round: int = 0, **more: Any) -> NewFact:
    """One fact of a lead, or of one of its rounds."""
    if lead.entity_id is None:
        raise TypeError("a lead without a business tells the ledger nothing")
    ref = f"lead:{lead.pk}:{round}" if round else f"lead:{lead.pk}"
    return NewFact(
        entity_id=lead.entity_id,
        kind=kind,
        ref=ref,
        at=at,
        source=f"{ref}:{what}",
        data={"what": lead.category.name, "number": lead.number},
        **more,
    )


# --- open and over -----------------------------------------------------------------------------------


def opened(lead: Lead, at: datetime, *, again: str = "") -> NewFact:
    """An open lead names the business. `again` tells a reopening by other means from the round's own."""
    return _fact(lead, FactKind.LEAD_OPENED, f"opened:{lead.round}{again}", at)


def reported(lead: Lead) -> list[tuple[str, list[Any]]]:
    """What a report tells, as parts of the one statement that writes it; nothing without a business."""
    return ledger.insertions(opened(lead, lead.reported_at)) if is_told(lead) else []


def ended(act: Act, *, again: str = "") -> None:
    """Rejected, or merged into another (`again` says by which merge)."""
    if is_told(act.lead):
        ledger.record(_over(act, again))


def unmerged(act: Act, *, again: str) -> None:
    """A merge was taken back: the lead is open as before."""
    if is_told(act.lead):
        ledger.record(opened(act.lead, act.at, again=again))


def _over(act: Act, again: str = "") -> NewFact:
    return _fact(act.lead, FactKind.LEAD_CLOSED, f"closed:{act.lead.round}{again}", act.at)


# --- what was told before ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Past:
    """What the earlier rounds of a lead have told, and which of them dealt with the present problem."""

    act: Act

    @cached_property
    def _reopenings(self) -> list[Reopening]:
        if self.act.lead.round == 1:
            return []
        return list(Reopening.objects.filter(lead=self.act.lead).order_by("round"))

    @property
    def cause(self) -> str:
        return self._reopenings[-1].cause if self._reopenings else ""

    @cached_property
    def began(self) -> int:
        """The round in which the present problem was first dealt with: a relapse is a new one."""
        relapses = [one.round for one in self._reopenings if one.cause == Reopening.Cause.LOOK_BACK]
        return max(relapses, default=1)

    @cached_property
    def facts(self) -> list[CreditFact]:
        """Of this problem, what has been told and not withdrawn. One statement, none in a first round."""
        lead = self.act.lead
        if not self._reopenings:
            return []
        told = CreditFact.objects.filter(entity_id=lead.entity_id, ref__startswith=f"lead:{lead.pk}:")
        rows = list(told.order_by("id"))
        gone = {row.ref for row in rows if row.kind == FactKind.WITHDRAWN}
        return [
            row
            for row in rows
            if row.kind != FactKind.WITHDRAWN
            and row.source not in gone
            and self.began <= round_of(row.ref) <= lead.round
        ]

    def of(self, kinds: Iterable[str]) -> list[CreditFact]:
        return [row for row in self.facts if row.kind in kinds]

    @property
    def ordered(self) -> set[str]:
        return {row.ref for row in self.of([FactKind.RECTIFICATION_ORDERED])}

    def with_done(self, verdicts: Sequence[CreditFact]) -> list[CreditFact]:
        """Verdicts, and that they were put right on the spot: without an order one goes with the other."""
        refs = {row.ref for row in verdicts} - self.ordered
        return [
            *verdicts,
            *(row for row in self.of([FactKind.RECTIFICATION_DONE]) if row.ref in refs),
        ]

    def settle(self) -> list[NewFact]:
        """The problem is gone: what earlier rounds ordered is done, on time where its date has not passed."""
        act, done = self.act, {row.ref for row in self.of([FactKind.RECTIFICATION_DONE])}
        today = local_date(act.at)
        return [
            _fact(
                act.lead,
                FactKind.RECTIFICATION_DONE,
                "settled",
                act.at,
                round_of(row.ref),
                level="ON_TIME" if row.until and today <= row.until else "LATE",
            )
            for row in self.of([FactKind.RECTIFICATION_ORDERED])
            if row.ref not in done and round_of(row.ref) < act.lead.round
        ]


def round_of(ref: str) -> int:
    return int(ref.split(":")[2])


def _withdrawn(rows: Sequence[CreditFact], act: Act, why: str) -> list[NewFact]:
    return ledger.withdrawals(rows, at=act.at, why=why, number=act.lead.number)


# --- closing -----------------------------------------------------------------------------------------


def closed(act: Act) -> None:
    """办结: what this round found, what it ordered, and what has come of that already."""
    lead = act.lead
    if not is_told(lead):
        return
    disposal = Disposal.objects.get(lead=lead, round=lead.round)
    past = Past(act)
    facts = [*_verdict(act, disposal, past), *_order(act, disposal)]
    if disposal.kind != DisposalKind.RECTIFY:
        facts += past.settle()
    ledger.record_many([*facts, _over(act)])


def _verdict(act: Act, disposal: Disposal, past: Past) -> list[NewFact]:
    """The finding of this round, and the withdrawal of what it replaces: of one problem one verdict."""
    lead, before = act.lead, past.of(VERDICTS)
    match disposal.kind:
        case DisposalKind.GUIDED | DisposalKind.RECTIFY:
            new = _found(act)
        case DisposalKind.LENIENCY:
            new = _fact(lead, FactKind.LENIENCY, "leniency", act.at, lead.round)
        case DisposalKind.PENALTY:
            number = case_numbers.of(disposal)
            filed = f"（案件编号{number}）" if number else ""
            return _withdrawn(past.with_done(before), act, f"已立案查处{filed}，以行政处罚为准")
        case DisposalKind.NO_PROBLEM if past.cause in DOUBTED:
            return _withdrawn(past.of(VERDICTS | OF_THE_ORDER), act, "重新办理后未发现问题")
        case _:
            return []
    stays = [
        row for row in before if (row.kind, row.level) == (new.kind, new.level) and row.ref in past.ordered
    ][:1]
    replaced = past.with_done([row for row in before if row not in stays])
    gone = _withdrawn(replaced, act, "重新办理后重新认定")
    return gone if stays else [*gone, new]


def _found(act: Act) -> NewFact:
    """A problem was found: scored as a complaint where the lead came from one, else as a finding."""
    lead = act.lead
    day = local_date(lead.discovered_at if lead.round == 1 else act.at)
    told: dict[str, Any]
    if _from_complaint(lead):
        told = {"level": "SUBSTANTIATED", "happened_on": day}
        return _fact(lead, FactKind.COMPLAINT, "complaint", act.at, lead.round, **told)
    told = {"level": lead.severity, "happened_on": day}
    return _fact(lead, FactKind.FINDING, "finding", act.at, lead.round, **told)


def _from_complaint(lead: Lead) -> bool:
    if lead.category_id.startswith(COMPLAINTS):
        return True
    return Matter.objects.filter(lead=lead, kinds__contains=[MatterKind.COMPLAINT]).exists()


def _order(act: Act, disposal: Disposal) -> list[NewFact]:
    """What was ordered, and what has come of it before the lead was closed."""
    lead, due = act.lead, disposal.rectify_due_at
    if due is None:
        on_spot = lead.round == 1 and (lead.settled_at is not None or lead.fixed_on_spot)
        return [_done(act, "ON_TIME")] if on_spot and disposal.kind == DisposalKind.GUIDED else []
    told: dict[str, Any] = {"level": lead.severity, "until": last_day(due)}
    ordered = _fact(lead, FactKind.RECTIFICATION_ORDERED, "ordered", act.at, lead.round, **told)
    proof = Correction.objects.filter(lead=lead, round=lead.round, in_time=True).order_by("id").first()
    if proof is not None:
        return [ordered, _done(act, "ON_TIME", proof.at)]
    return [ordered, _overdue(lead, lead.round, due, act.at)] if act.at >= due else [ordered]


def last_day(due_at: datetime) -> date:
    """The last day on which it is in time: a limit at 24:00 ends that day."""
    return local_date(due_at - INSTANT)


def _done(act: Act, level: str, at: datetime | None = None) -> NewFact:
    told: dict[str, Any] = {"level": level, "happened_on": local_date(at or act.at)}
    return _fact(act.lead, FactKind.RECTIFICATION_DONE, "done", act.at, act.lead.round, **told)


def _overdue(lead: Lead, round: int, due_at: datetime, at: datetime) -> NewFact:
    """Counts from the ordered date on, also where it is known before."""
    kind, day = FactKind.RECTIFICATION_OVERDUE, local_date(due_at)
    return _fact(lead, kind, "overdue", at, round, level=lead.severity, happened_on=day)


# --- after closing -----------------------------------------------------------------------------------


def corrected(act: Act, *, in_time: bool) -> None:
    """整改证明 of a closed lead: in time it is done on time. A late one waits for the recheck."""
    if in_time and act.lead.state == State.CLOSED and is_told(act.lead):
        ledger.record_many([_done(act, "ON_TIME"), *Past(act).settle()])


def cleared(act: Act) -> None:
    """销号: the first recheck of the problem that passes finds it done on time, a later one late."""
    lead = act.lead
    if not is_told(lead):
        return
    past = Past(act)
    failed = lead.round > past.began and (
        Recheck.objects.filter(lead=lead, round__gte=past.began, round__lt=lead.round).exists()
    )
    ledger.record_many([_done(act, "LATE" if failed else "ON_TIME"), *past.settle()])


def reopened(act: Act, cause: str) -> None:
    """A new round has begun. After a failed recheck the proof of the last one is worth nothing, and its
    order is not done when its date comes."""
    lead = act.lead
    if not is_told(lead):
        return
    facts = [opened(lead, act.at)]
    if cause == Reopening.Cause.RECHECK:
        facts += _not_done(act, lead.round - 1)
    ledger.record_many(facts)


def _not_done(act: Act, round: int) -> list[NewFact]:
    lead, ref = act.lead, f"lead:{act.lead.pk}:{round}"
    due = Disposal.objects.values_list("rectify_due_at", flat=True).get(lead=lead, round=round)
    proved = CreditFact.objects.filter(entity_id=lead.entity_id, source=f"{ref}:done")
    gone = _withdrawn(list(proved), act, "复查未通过")
    return gone if due is None else [*gone, _overdue(lead, round, due, act.at)]


def looked_back(act: Act, row: LookBack) -> None:
    """回头看: passed or failed (反弹)."""
    if not is_told(act.lead):
        return
    passed = row.state == LookBack.State.PASSED
    kind = FactKind.LOOK_BACK_PASSED if passed else FactKind.LOOK_BACK_FAILED
    number = str(row.number)
    ledger.record(_fact(act.lead, kind, f"look_back:{number}", act.at, row.round, level=number))


def overdue(batch: Sequence[Fired], at: datetime) -> None:
    """Ordered dates have passed without proof: of closed leads; of others it is told when they close.

    Set-based, in the sweep's transaction. Two statements.
    """
    due = {one.subject_id: one for one in batch}
    rows = Lead.objects.filter(pk__in=due, state=State.CLOSED, restricted=False, entity__isnull=False)
    ledger.record_many(
        [
            _overdue(lead, lead.round, due[lead.pk].due_at, at)
            for lead in rows.select_related("category").order_by("id")
            if lead.round == due[lead.pk].cycle
        ]
    )
