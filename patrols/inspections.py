"""每周查 is an administrative inspection (涉企行政检查): its papers, its officers, its yearly cap.

Rule: DOMAIN.md §3, 国办发〔2024〕54号. A grid worker's patrol is none: it asks for no papers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from grids.models import Posting
from grids.roles import Role
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, Refused
from patrols import over_cap, policies
from patrols.given import Given, Papers
from patrols.kinds import Result, TaskState
from patrols.models import EnforcementCard, InspectionPaper, PatrolTask, PatrolVisit
from patrols.periods import day_zh

INSPECTS = frozenset({Role.COMMISSIONER, Role.OFFICE_CLERK, Role.OFFICE_HEAD})
OF_BUREAU = frozenset({Role.BUREAU, Role.BUREAU_SECTION, Role.BUREAU_LEADER})
NEED = {
    "basis": "检查依据",
    "approval_no": "审批编号",
    "notice_no": "检查通知书编号",
    "platform_no": "省行政检查平台编号",
}
OWN = ("notice_no", "platform_no")
NOTHING_INSPECTED = frozenset({Result.CLOSED_TODAY, Result.GONE})


@dataclass(frozen=True, slots=True)
class Inspection:
    """Papers that were found whole: both officers with their cards of that day."""

    papers: Papers
    officer: User
    second: User
    cards: tuple[str, str]

    def row(self, visit: PatrolVisit, *, entered: bool) -> InspectionPaper:
        return InspectionPaper(
            visit=visit,
            officer=self.officer,
            officer_card=self.cards[0],
            second_officer=self.second,
            second_officer_card=self.cards[1],
            basis=self.papers.basis,
            approval_no=self.papers.approval_no,
            notice_no=self.papers.notice_no,
            platform_no=self.papers.platform_no,
            entered=entered,
            year=visit.done_on.year,
        )


def entered_this_year(entity_id: int, year: int) -> int:
    """How often this business was entered for an inspection in a calendar year, by whichever app."""
    return over_cap.entered_this_year([entity_id], year).get(entity_id, 0)


def require(task: PatrolTask, given: Given, *, by: User, done_on: date, at: datetime) -> Inspection | None:
    """The papers of this check; None where nothing was inspected (关门, 搬走), which too an officer says, no
    grid worker who stands in for one. The caller has locked the business, so two inspections at once cannot
    both be the last one under the cap.

    Raises:
        Conflict: `cap_reached` – it may not be entered again this year.
            `papers_used` – the notice or the platform number is of another check of this business.
        Refused: `papers_incomplete`, naming each thing that is missing; `same_officer`.
        NotAllowed: `not_an_officer` – a grid worker, or nobody of the office or the bureau.
    """
    if given.enters:
        _refuse_at_cap(task, done_on.year, at)
    if given.result in NOTHING_INSPECTED:
        refuse_workers([by], task.grid.office_id, at)
        return None
    papers = given.papers or Papers()
    if papers.second_officer_id == by.pk:
        raise Refused("第二名执法人员不能是您本人。", code="same_officer", attr="inspection.second_officer")
    found = _whole(task, papers, by, done_on, at)
    _refuse_used(task.entity_id, papers)
    return found


def may_enter(check: PatrolTask | None, entered: int, most: int) -> bool:
    """May somebody go in for this check, or for another inspection (None)? Not where the task says so, while
    the bureau is asked, or at the cap unless it agreed. One statement at the cap."""
    if check is not None and (check.without_entering or check.state == TaskState.ASKS):
        return False
    return entered < most or (check is not None and over_cap.agreed(check.pk))


def _refuse_at_cap(task: PatrolTask, year: int, at: datetime) -> None:
    most = policies.in_force(at).inspections_a_year
    if not may_enter(task, entered_this_year(task.entity_id, year), most):
        raise Conflict(
            f"本户{year}年入店检查已达{most}次上限，请改为店外查看或查阅记录。",
            code="cap_reached",
            attr="how",
        )


def _whole(task: PatrolTask, papers: Papers, by: User, done_on: date, at: datetime) -> Inspection:
    pair = [by.pk, papers.second_officer_id or 0]
    people = User.objects.in_bulk(pair)
    cards = _cards(people, done_on)
    second = people.get(papers.second_officer_id or 0)
    missing = [] if second is not None else ["第二名执法人员"]
    missing += [name for column, name in NEED.items() if not getattr(papers, column).strip()]
    missing += [f"{one.name}当日有效的执法证" for one in people.values() if one.pk not in cards]
    if missing or second is None:
        raise Refused(
            f"检查文书不全，还缺：{'、'.join(missing)}。", code="papers_incomplete", attr="inspection"
        )
    refuse_workers(list(people.values()), task.grid.office_id, at)
    return Inspection(papers, by, second, (cards[by.pk], cards[second.pk]))


def _refuse_used(entity_id: int, papers: Papers) -> None:
    """Every check has its own notice and its own number on the platform. One statement."""
    said = {name: getattr(papers, name) for name in OWN}
    rows = InspectionPaper.objects.filter(visit__entity_id=entity_id).select_related("visit")
    used = rows.filter(Q(notice_no=papers.notice_no) | Q(platform_no=papers.platform_no)).first()
    if used is not None:
        name, day = next(name for name in OWN if getattr(used, name) == said[name]), used.visit.done_on
        raise Conflict(
            f"{NEED[name]}“{said[name]}”已用于本户{day.year}年{day_zh(day)}的检查，请核对。",
            code="papers_used",
            attr=f"inspection.{name}",
        )


def _cards(people: Collection[int], day: date) -> dict[int, str]:
    """The card of each officer that is good on this day, the longest first."""
    rows = EnforcementCard.objects.filter(officer_id__in=list(people), expires_on__gte=day)
    return dict(rows.order_by("expires_on").values_list("officer_id", "number"))


def refuse_workers(people: Collection[User], office_id: int, at: datetime) -> None:
    """Each serves the office or the bureau, and none is a grid worker. One statement.

    Raises:
        NotAllowed: `not_an_officer`.
    """
    rows = Posting.objects.active(at).filter(user_id__in=[one.pk for one in people])
    held = list(rows.values_list("user_id", "role", "office_id", "grid__office_id"))
    for one in people:
        mine = [posting[1:] for posting in held if posting[0] == one.pk]
        if any(role == Role.GRID_WORKER for role, _, _ in mine):
            raise NotAllowed(f"{one.name}是网格员，不能实施行政检查。", code="not_an_officer")
        serves = any(
            role in OF_BUREAU or (role in INSPECTS and office_id in (own, of_grid))
            for role, own, of_grid in mine
        )
        if not serves:
            raise NotAllowed(
                f"{one.name}不是本所或市场监管局的执法人员，不能参加检查。", code="not_an_officer"
            )
