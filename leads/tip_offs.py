"""举报: restricted leads (DESIGN.md §3, DOMAIN.md §7). 人熟 cuts both ways.

Seen by the office and the one bureau section named, by nobody else: no grid worker, community, mediator,
chat group or whistle ever learns of one. A second officer of the office signs in the community's place;
the limits are the statutory ones (15 working days to verify and decide, 15 more once); no dual
supervision, no figure of the dual-sign loop. Side roads that ask the community do not exist for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from grids.models import Posting
from grids.roles import OFFICE_SIDE, Role
from grids.staffing import office_people
from kernel.accounts.models import User
from kernel.approvals.models import OWN
from kernel.deadlines import clocks, handlers
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Limit, WorkingCalendar
from kernel.errors import Conflict, NotAllowed
from kernel.notices import templates
from leads import clock_notices
from leads.acts import Act, Expect, perform
from leads.clock_notices import HEADS, OWNER, of_leads, tell
from leads.models import DisposalKind, Lead, Side, Signature
from leads.verifiers import Verifier

CLOCK = "tip_off"
MORE = "tip_off_more"
WARNING = "tip_off_80"
EXTENDED = 100
"""Added to the cycle of the clock that an extension arms in the first one's place."""
RESULTS = frozenset({DisposalKind.NO_PROBLEM, DisposalKind.GUIDED, DisposalKind.PENALTY})
SECTION = clock_notices._HELD.format(where="p.role = 'BUREAU_SECTION' AND p.section = l.restricted_section")
"""Who is told of a tip-off's clock beside owner and head: the section named in it."""


def refuse_result(lead: Lead, kind: str) -> None:
    """What needs the community afterwards is reported anew by the office, as a lead of its own."""
    if lead.restricted and kind not in RESULTS:
        raise Conflict(
            "举报线索只能反馈未发现问题、提醒指导或立案查处；需要整改或移交的，请由监管所另行上报线索。",
            code="restricted",
            attr="disposal.kind",
        )


# --- who -------------------------------------------------------------------------------------------


def section_people(section: str, at: datetime) -> list[int]:
    """Who holds the section's seat at `at`. One statement."""
    held = Posting.objects.active(at).filter(role=Role.BUREAU_SECTION, section=section, user__is_active=True)
    return list(held.order_by("user_id").values_list("user_id", flat=True))


def desk_people(office_id: int | None, section: str, at: datetime) -> list[int]:
    """Who places a tip-off that no rule could place: the office's clerk and head, else the section."""
    if office_id is not None:
        office = office_people([office_id], at)[office_id]
        if office.clerk_ids or office.head_ids:
            return [*office.clerk_ids, *office.head_ids]
    return section_people(section, at)


def second_officer(act: Act) -> Verifier:
    """Another officer of the office verifies in the community's place, and is remembered as such.

    Raises:
        NotAllowed: `not_second_officer` – not of this office's officers, or the owner himself.
    """
    from leads.dispatch import candidates

    lead = act.lead
    act.refuse_recused()
    held = Posting.objects.active(act.at).filter(
        role__in=[r.value for r in OFFICE_SIDE], user_id=act.actor.pk
    )
    of_office = lead.office_id is not None and held.filter(candidates(lead.office_id)).exists()
    signed = Signature.objects.filter(lead=lead, signer_id=act.actor.pk, side=Side.OFFICE).exists()
    if not of_office or signed or lead.assignee_id == act.by_id:
        raise NotAllowed("举报线索由本监管所承办人以外的另一名执法人员核验。", code="not_second_officer")
    return Verifier(None, in_stead=False)


def verifiers(act: Act) -> list[int]:
    """Whom to tell that a result waits: heads and clerks of the office, never the owner."""
    if act.lead.office_id is None:
        return section_people(act.lead.restricted_section, act.at)
    office = office_people([act.lead.office_id], act.at)[act.lead.office_id]
    return [p for p in [*office.head_ids, *office.clerk_ids] if p != act.lead.assignee_id]


# --- its clock -------------------------------------------------------------------------------------


def due(limits: dict[str, Limit], start: datetime) -> datetime:
    """15 working days from receipt (市场监督管理投诉举报处理办法)."""
    return arithmetic.due(limits[CLOCK], start, clocks.calendar())


def clock_rows(
    lead_id: int, limits: dict[str, Limit], *, at: datetime, due_at: datetime, cycle: int
) -> list[Deadline]:
    """The statutory clock with its warning."""
    return clocks.with_warning(
        limits[CLOCK],
        subject_kind="lead",
        subject_id=lead_id,
        kind=CLOCK,
        cycle=cycle,
        armed_at=at,
        due_at=due_at,
    )


def start_round(act: Act) -> datetime:
    """A result was sent back: the statutory time of the new round."""
    due_at = due(act.limits, act.at)
    clocks.arm(clock_rows(act.lead.pk, act.limits, at=act.at, due_at=due_at, cycle=act.lead.round))
    return due_at


def extend(*, lead_id: int, by: User, expect: Expect, reason: str) -> Lead:
    """Once, by the office's head: 15 working days more, while the first have not passed.

    Raises (beside `acts.perform`): NotAllowed `not_office_head`, `own_request`, `recused`; Conflict
        `not_a_tip_off`, `extended_already`, `no_running_clock`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        if not lead.restricted:
            raise Conflict("这不是举报线索。", code="not_a_tip_off")
        refuse_extender(act)
        expect(lead.version)
        if "extended_tip_off" in lead.flags:
            raise Conflict("举报核查只能延期一次。", code="extended_already")
        if not act.running(CLOCK):
            raise Conflict("目前没有正在计时的核查时限。", code="no_running_clock")
        running = next(d for d in act.live if d.kind == CLOCK and d.state == Deadline.State.RUNNING)
        due_at = _later(act, running.due_at)
        clocks.cancel("lead", lead.pk, [CLOCK], at=act.at)
        cycle = EXTENDED + lead.round
        clocks.arm(clock_rows(lead.pk, act.limits, at=act.at, due_at=due_at, cycle=cycle))
        lead.flags = [*lead.flags, "extended_tip_off"]
        lead.feedback_due_at = lead.closing_due_at = due_at
        act.save("flags", "feedback_due_at", "closing_due_at")
        act.note("tip_off.extended", {"reason": reason, "due_at": due_at.isoformat()})
        act.tell([lead.assignee_id], "tip_off_extended", due_at=due_at.isoformat(), reason=reason)
        return lead

    return perform(lead_id, by, work)


def refuse_extender(act: Act) -> None:
    """The office's head, never for a lead of his own: then the section named in it."""
    lead = act.lead
    act.refuse_recused()
    head = None
    if lead.office_id is not None:
        head = act.scope.seat(Role.OFFICE_HEAD, office_id=lead.office_id)
    if head is not None and lead.assignee_id not in (act.by_id, head.holder_id):
        return
    section = act.scope.seat(Role.BUREAU_SECTION, section=lead.restricted_section)
    if section is not None and lead.assignee_id != act.by_id and _head_owns(lead, act.at):
        return
    if head is not None:
        raise NotAllowed(OWN, code="own_request")
    raise NotAllowed("举报核查延期由本监管所所长批准。", code="not_office_head")


def _head_owns(lead: Lead, at: datetime) -> bool:
    """Is the office's head himself the owner, or is there no head?"""
    if lead.office_id is None:
        return True
    return not set(office_people([lead.office_id], at)[lead.office_id].head_ids) - {lead.assignee_id}


def _later(act: Act, due_at: datetime) -> datetime:
    calendar: WorkingCalendar = clocks.calendar()
    return arithmetic.due(act.limits[MORE], due_at, calendar)


def late(batch: Sequence[Fired], at: datetime) -> None:
    """The statutory time has passed: owner, head and section are told; nobody of the community."""
    from leads.clock_handlers import note

    note(batch, at)
    tell(of_leads(batch), at, f"{CLOCK}_late", OWNER, HEADS, SECTION)


def soon(batch: Sequence[Fired], at: datetime) -> None:
    """催办 at 80 %."""
    tell(of_leads(batch), at, WARNING, OWNER, HEADS)


def register() -> None:
    """Register handlers and words (called once, at start-up)."""
    clock_notices.WHAT.update({f"{CLOCK}_late": "举报核查超时", WARNING: "举报核查即将超时"})
    handlers.register("lead", CLOCK, late)
    handlers.register("lead", WARNING, soon)
    for key, title, body in (
        ("tip_off_late", "举报核查超时 {number}", "举报线索核查时限 {due_at} 已过，请立即办理。"),
        (WARNING, "催办举报核查 {number}", "举报线索核查时限 {due_at}，请尽快办理。"),
        ("tip_off_extended", "举报核查延期 {number}", "核查时限延至 {due_at}：{reason}。"),
        ("tip_off_verify", "请核验举报线索 {number}", "承办人已反馈（{disposal}），请由另一名执法人员核验。"),
        ("tip_off_dispatched", "新举报线索 {number}", "限制知悉，请勿在工作群讨论。核查时限 {due_at}。"),
        ("tip_off_desk", "待派举报线索 {number}", "限制知悉。{reason}，请人工派单。"),
    ):
        templates.register(f"leads.{key}", title, body)
