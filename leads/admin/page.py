"""What the page of one lead shows: rows already read, turned into words. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grids import responsibilities
from grids.access import scope_of
from grids.models import Grid
from grids.sketch import Sketch, sketch
from kernel.accounts.models import User
from kernel.deadlines.models import Deadline
from leads import case_numbers, explain, selectors, signing
from leads.admin import (
    after_shown,
    clock_face,
    leniency_moves,
    moves,
    requests_shown,
    shown,
    whistles_shown,
    words,
)
from leads.admin.orders_shown import order_rows
from leads.admin.shown import File, Line, Say
from leads.models import Disposal, FileStage, Lead, LeadEvidence, Rework, Side, Signature, Stage
from leads.states import OPEN, State
from leads.surveys import may_ask_shop

ALARMING = ("clock.", "order.raised", "order.escalated", "lead.reworked")

WAITS_FOR = {
    "discovery:community": "待网格员确认知悉",
    "handover:community": "待网格员确认知悉",
    "discovery:office": "待承办人接单",
    "handover:office": "待承办人接单",
    "result:office": "待承办人反馈",
    "result:community": "待网格员核验",
}
STAGE_OF_FILE = {
    FileStage.DISCOVERY: "上报时",
    FileStage.HANDOVER: "交接时",
    FileStage.RESULT: "处置时",
    FileStage.CORRECTION: "整改后",
    FileStage.RECHECK: "复查时",
    FileStage.LOOK_BACK: "回头看时",
}


def context(lead: Lead, by: User) -> dict[str, Any]:
    """Everything on the lead's page, in a fixed number of statements."""
    scope = scope_of(by)
    say: Say = words.masked if selectors.reads_masked(scope) else str
    signatures = list(
        Signature.objects.filter(lead=lead).select_related("signer", "on_behalf_of").order_by("id")
    )
    why = explain.explain(lead)
    clocks = [one.deadline for one in why.clocks]
    orders = order_rows(lead.orders.order_by("id"), by, scope.at, say)
    return {
        "lead": lead,
        "description": say(lead.description),
        "respond_note": say(lead.respond_note),
        "control_note": say(lead.control_note),
        "verify_note": say(lead.verify_note),
        "faces": faces(lead, clocks, scope.at),
        "late": bool(clock_face.overdue(lead, scope.at)),
        "severity_tone": words.SEVERITY_COLOURS[lead.get_severity_display()],
        "state_tone": words.STATE_COLOURS[lead.get_state_display()],
        "flags": [words.FLAGS.get(flag, flag) for flag in lead.flags],
        "offers": [
            (offer, offer.label_on(lead))
            for offer in moves.offered(lead, by, clocks=clocks, signatures=signatures, at=scope.at)
        ],
        "files": files(lead),
        "sketch": drawing(lead),
        "clock_rows": clock_rows(why, scope.at),
        "panel": panel(lead, signatures),
        "earlier_signatures": earlier(lead, signatures),
        "missing": len(signing.missing(lead, signatures)),
        "rounds": (told := rounds(lead, say)),
        **after_shown.sections(lead, (kinds := {one.disposal.kind for one in told if one.disposal}), say),
        **leniency_moves.sections(lead, kinds, say),
        "whistles": whistles_shown.of_lead(lead, by, say),
        "may_whistle": whistles_shown.may_whistle(lead, by),
        "requests": requests_shown.of_lead(lead, by, say, supervised=bool(orders)),
        "orders": orders,
        **answers(lead),
        "entries": timeline(lead, say),
        "duplicates": selectors.possible_duplicates(lead, by),
        "handed_in": selectors.handed_in(lead),
        "responsibilities": responsibilities.beside(lead.category_id),
        "warnings": why.warnings,
    }


def faces(lead: Lead, clocks: Sequence[Deadline], at: datetime) -> list[clock_face.Face]:
    """The header's countdowns: what is overdue, then what runs, nearest first."""
    if lead.state not in OPEN:
        return []
    late = clock_face.overdue(lead, at)
    running = [c for c in clocks if c.shown_state == Deadline.State.RUNNING and c.kind in clock_face.TOLD]
    names = {face.name for face in late}
    told = [clock_face.Face(words.CLOCKS[c.kind], c.due_at, overdue=c.due_at <= at) for c in running]
    return late + sorted((f for f in told if f.name not in names), key=lambda face: face.due_at)


def files(lead: Lead) -> list[File]:
    rows = LeadEvidence.objects.filter(lead=lead).select_related("evidence", "added_by").order_by("id")
    return [
        shown.file(
            row,
            f"{STAGE_OF_FILE[FileStage(row.stage)]} {row.added_by.name} {words.moment(row.added_at)}",
        )
        for row in rows
    ]


def drawing(lead: Lead) -> Sketch | None:
    """The lead's grid with the point in it; all grids where none was found."""
    point = None if lead.lon is None or lead.lat is None else (float(lead.lon), float(lead.lat))
    if lead.grid is not None:
        return sketch([lead.grid], point)
    if point is None:
        return None
    return sketch(list(Grid.objects.filter(is_active=True).order_by("code")), point)


@dataclass(frozen=True, slots=True)
class ClockRow:
    name: str
    cycle: int
    due_at: datetime
    state: str
    tone: str
    closed_at: datetime | None
    running: bool
    why: str


def clock_rows(why: explain.Explanation, at: datetime) -> list[ClockRow]:
    return [
        ClockRow(
            words.clock_name(one.deadline.kind),
            one.deadline.cycle,
            one.deadline.due_at,
            explain.STATES[one.deadline.shown_state],
            shown.CLOCK_TONES[one.deadline.shown_state],
            one.deadline.closed_at,
            one.deadline.shown_state == Deadline.State.RUNNING,
            one.text_zh,
        )
        for one in why.clocks
    ]


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the six slots: its signature, or for whom it waits."""

    side: str
    signature: Signature | None
    waits_for: str


def panel(lead: Lead, signatures: Sequence[Signature]) -> list[tuple[str, list[Cell]]]:
    """Three rows (发现、交接、结果) of two cells (所、社), for the present owner and round."""
    missing = {slot.name for slot in signing.missing(lead, signatures)}
    cycles = {slot.name: slot.cycle for slot in signing.needed(lead)}
    rows = []
    for stage in Stage:
        cells = []
        for side in (Side.OFFICE, Side.COMMUNITY):
            name = f"{stage}:{side}"
            found = [s for s in signatures if (s.stage, s.side) == (stage, side)]
            exact = [s for s in found if s.cycle == cycles[name]]
            shown = None if name in missing else (exact or found)[-1]
            cells.append(Cell(str(side.label), shown, WAITS_FOR[name]))
        rows.append((stage.label, cells))
    return rows


def earlier(lead: Lead, signatures: Sequence[Signature]) -> list[Signature]:
    """Signatures of earlier owners and rounds, which the panel does not show."""
    shown = {c.signature.pk for _, cells in panel(lead, signatures) for c in cells if c.signature}
    return [s for s in signatures if s.pk not in shown]


@dataclass(frozen=True, slots=True)
class Round:
    number: int
    disposal: Disposal | None
    note: str
    rework: Rework | None
    reason: str
    case_number: str


def rounds(lead: Lead, say: Say) -> list[Round]:
    """What was done and what was sent back, round by round."""
    done = {d.round: d for d in lead.disposals.select_related("by", "later_case")}
    back = {r.round: r for r in lead.reworks.select_related("by")}
    numbers = sorted({*done, *back})
    return [
        Round(
            n,
            done.get(n),
            say(done[n].note) if n in done else "",
            back.get(n),
            say(back[n].reason) if n in back else "",
            case_numbers.of(done[n]) if n in done else "",
        )
        for n in numbers
    ]


def answers(lead: Lead) -> dict[str, Any]:
    """What the citizen was told and what he thinks of it, round by round."""
    surveys = list(lead.surveys.order_by("round"))
    asked = any(one.round == lead.round for one in surveys)
    return {
        "answers": list(lead.answers.order_by("round")) if lead.told_by_citizen else [],
        "surveys": surveys,
        "nobody_to_ask": lead.state == State.CLOSED and not asked,
        "shop_to_ask": may_ask_shop(lead) and not asked,
    }


def timeline(lead: Lead, say: Say) -> list[Line]:
    return shown.lines(selectors.timeline(lead), words, say, ALARMING)
