"""What the page of one dispute shows: rows already read, turned into words. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grids.access import Scope, scope_of
from kernel.accounts.models import User
from kernel.deadlines.models import Deadline
from leads.admin import shown
from leads.admin.shown import File, Line, Say
from leads.models import Lead
from leads.selectors import reads_masked
from stations import selectors
from stations.admin import moves, words
from stations.models import Claim, Dispute, DisputeSurvey, Session, TierStay
from stations.states import OVER, Tier

ALARMING = ("clock.", "dispute.agreement_broken", "dispute.refused")
PATH = (
    (Tier.SHOP, "小事不出店", "店内协商"),
    (Tier.CIRCLE, "大事不出商圈", "商圈调解"),
    (Tier.COMMUNITY, "难事不出社区", "社区调解"),
    (Tier.OFFICIAL, "12315", "市场监管所"),
)


def say_to(scope: Scope) -> Say:
    """How texts are told to this reader: telephone and identity numbers masked for auditors."""
    return words.masked if reads_masked(scope) else str


def head(dispute: Dispute, by: User) -> dict[str, Any]:
    """What stands on every page around one dispute."""
    scope = scope_of(by)
    say = say_to(scope)
    return {
        "dispute": dispute,
        "shop": say(dispute.entity_name),
        "goods": say(dispute.goods),
        "original": dispute,
        "state_tone": words.STATE_TONES[dispute.get_state_display()],
        "late": selectors.is_late(dispute, scope.at),
        "clock": words.clock(dispute, scope.at),
        "claims": "、".join(str(Claim(one).label) for one in dispute.claims),
        "description": say(dispute.description),
        "consumer": getattr(dispute, "consumer", None),
    }


def context(dispute: Dispute, by: User) -> dict[str, Any]:
    """Everything on the dispute's page, in a fixed number of statements; read with `selectors.full`."""
    scope = scope_of(by)
    say = say_to(scope)
    clocks = selectors.deadlines_of(dispute)
    offers = moves.offered(dispute, by, scope)
    allowed = [] if scope.is_auditor else selectors.allowed(dispute, scope)
    return {
        **head(dispute, by),
        "path": path_of(dispute),
        "offers": offers,
        "may_reveal": selectors.REVEAL in allowed,
        "may_session": not scope.is_auditor and moves.may_act_on_sessions(dispute, scope),
        "may_print": may_print(dispute, by, scope),
        "word": (word := getattr(dispute, "word", None)),
        "word_note": "" if word is None else say(word.note),
        "stays": [(one, say(one.note)) for one in dispute.stays.all()],
        "sessions": sessions(dispute, say, scope.at),
        "agreements": [
            (one, say(one.terms), say(one.check_note), list(one.signatures.all()))
            for one in dispute.agreements.all()
        ],
        "testings": [(one, say(one.result)) for one in dispute.testings.all()],
        "leads": leads_made(dispute, by),
        "surveys": surveys(dispute, say),
        "files": files(dispute),
        "clock_rows": clock_rows(clocks),
        "end_note": say(dispute.end_note),
        "entries": timeline(dispute, say),
    }


@dataclass(frozen=True, slots=True)
class Step:
    """One tier of the path. `tone`: done, here, ended, skipped or ahead."""

    saying: str
    name: str
    where: str
    when: str
    tone: str


def surveys(dispute: Dispute, say: Say) -> list[tuple[DisputeSurvey, str]]:
    """What the consumer was asked in each round, with his words; nothing before it first ended."""
    if dispute.state not in OVER and dispute.round == 1:
        return []
    return [(one, say(one.comment)) for one in dispute.surveys.order_by("round")]


def path_of(dispute: Dispute) -> list[Step]:
    """小事不出店 → 大事不出商圈 → 难事不出社区 → 12315, and how far it came."""
    last: dict[str, TierStay] = {one.tier: one for one in dispute.stays.all()}
    order = [tier.value for tier, _, _ in PATH]
    reached = order.index(dispute.tier)
    steps = []
    for place, (tier, saying, name) in enumerate(PATH):
        stay = last.get(tier)
        if tier is Tier.CIRCLE and dispute.circle_id is None and stay is None:
            steps.append(Step(saying, "店铺不属于商圈", "", "", "skipped"))
            continue
        if tier == dispute.tier:
            tone = "here" if dispute.state not in OVER else "ended"
        else:
            tone = ("done" if stay else "skipped") if place < reached else "ahead"
        where = "" if stay is None else _where(dispute, stay)
        steps.append(Step(saying, name, where, _when(stay), tone))
    return steps


def _where(dispute: Dispute, stay: TierStay) -> str:
    if stay.tier == Tier.OFFICIAL:
        return "" if dispute.office is None else dispute.office.name
    return stay.station.name


def _when(stay: TierStay | None) -> str:
    if stay is None:
        return ""
    ended = "" if stay.until is None else words.moment(stay.until)[5:]
    return f"{words.moment(stay.since)[5:]} — {ended}" if ended else f"{words.moment(stay.since)[5:]} 起"


def may_print(dispute: Dispute, by: User, scope: Scope) -> bool:
    """Handlers, the office, and the mediator who signed; the service decides."""
    if scope.is_auditor:
        return False
    handles = moves.handler_seat(scope, dispute) or moves.office_seat(scope, dispute)
    return handles is not None or any(one.mediator_id == by.pk for one in dispute.agreements.all())


@dataclass(frozen=True, slots=True)
class Meeting:
    """One appointment, and whether its record or its cancelling may be entered now."""

    row: Session
    note: str
    minutes: str
    why: str
    tone: str
    begun: bool


MEETING_TONES = {"planned": "info", "held": "success", "cancelled": "default"}


def sessions(dispute: Dispute, say: Say, at: datetime) -> list[Meeting]:
    return [
        Meeting(
            one,
            say(one.note),
            say(one.minutes),
            say(one.cancelled_why),
            MEETING_TONES[one.state],
            one.starts_at <= at,
        )
        for one in dispute.sessions.all()
    ]


def leads_made(dispute: Dispute, by: User) -> list[tuple[Any, bool]]:
    """The leads made of it, and whether this reader may open each."""
    rows = list(dispute.leads.all())
    if not rows:
        return []
    seen = set(
        Lead.objects.visible_to(by).filter(pk__in=[one.lead_id for one in rows]).values_list("pk", flat=True)
    )
    return [(one, one.lead_id in seen) for one in rows]


def files(dispute: Dispute) -> list[File]:
    return [shown.file(row, words.moment(row.added_at)) for row in dispute.evidence.all()]


@dataclass(frozen=True, slots=True)
class ClockRow:
    name: str
    cycle: int
    due_at: datetime
    state: str
    tone: str
    closed_at: datetime | None
    running: bool


def clock_rows(clocks: list[Deadline]) -> list[ClockRow]:
    """Every limit that ran or runs; warnings are no limits."""
    return [
        ClockRow(
            words.clock_name(one.kind),
            one.cycle,
            one.due_at,
            str(Deadline.State(one.shown_state).label),
            shown.CLOCK_TONES[one.shown_state],
            one.closed_at,
            one.shown_state == Deadline.State.RUNNING,
        )
        for one in clocks
        if not one.parent_kind
    ]


def timeline(dispute: Dispute, say: Say) -> list[Line]:
    return shown.lines(selectors.timeline(dispute), words, say, ALARMING)
