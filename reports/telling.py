"""Telling the report at 07:30 (a setting) to the bureau, its leaders, the heads of offices and communities.

A notice in the inbox is delivered by being there, so it is written at its time, not at midnight.
Exactly once a date: `ReportRun` kind `sla_told`, written with the notices; what is due is computed
from reports without such a run. After downtime one notice tells the newest report and how many were
made up beside it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction

from grids.models import Absence, Posting
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.notices import outbox, templates
from kernel.notices.outbox import Draft
from reports import policy, wording
from reports.models import Level, ReportRun, SlaLine, SlaReport, Span

TEMPLATE = "reports.sla"
TOLD = (Role.BUREAU, Role.BUREAU_LEADER, Role.OFFICE_HEAD, Role.COMMUNITY_HEAD)
LOCK = "SELECT pg_advisory_xact_lock(hashtext('reports.sla_told'))"
Place = tuple[str, int | None]


def register() -> None:
    """Register the template (called once, at start-up)."""
    templates.register(TEMPLATE, "运行日报（{date}）", "{text}{made_up}")


def tell_due() -> list[date]:
    """Tell the newest report that is due to be told; says which dates are told with it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
        at = clock.now()
        push_at = policy.parse_time(settings.SUOSHE_REPORT_PUSH_AT)
        told = ReportRun.objects.filter(kind=ReportRun.Kind.SLA_TOLD).values("date")
        waiting = list(
            SlaReport.objects.filter(date__lte=policy.latest_told(at, push_at))
            .exclude(date__in=told)
            .order_by("date")
        )
        if not waiting:
            return []
        outbox.post(_drafts(waiting[-1], len(waiting) - 1, at), at=at)
        runs = [ReportRun(kind=ReportRun.Kind.SLA_TOLD, date=one.date, finished_at=at) for one in waiting]
        ReportRun.objects.bulk_create(runs)
        return [one.date for one in waiting]


def _drafts(report: SlaReport, made_up: int, at: datetime) -> list[Draft]:
    texts = _texts(report)
    beside = f"另有{made_up}日的日报已补做，可在平台查看。" if made_up else "详见平台。"
    return [
        Draft(
            dedupe_key=f"sla_report:{report.date}:user:{person}",
            template=TEMPLATE,
            params={
                "date": report.date.isoformat(),
                "text": "\n".join(texts[place] for place in places if place in texts),
                "made_up": beside,
            },
            subject_kind="sla_report",
            subject_id=report.pk,
            recipient_id=person,
        )
        for person, places in sorted(_recipients(at).items())
    ]


def _texts(report: SlaReport) -> dict[Place, str]:
    """The paragraph of every line above the grids."""
    found: dict[Place, dict[str, SlaLine]] = defaultdict(dict)
    for line in SlaLine.objects.filter(report=report).exclude(level=Level.GRID):
        found[line.level, line.office_id or line.community_id][line.span] = line
    return {
        place: wording.summary(
            report.date,
            wording.Told(
                line[Span.DAY].name,
                line[Span.DAY].counts(),
                line[Span.RECENT].counts(),
                line[Span.DAY].pending,
                line[Span.DAY].overdue,
            ),
        )
        for place, line in found.items()
    }


def _recipients(at: datetime) -> dict[int, list[Place]]:
    """Who is told of which places: the holders, and who acts for those who are away."""
    away = {one.user_id: one.stand_in for one in Absence.objects.running(at).select_related("stand_in")}
    found: dict[int, list[Place]] = defaultdict(list)
    postings = Posting.objects.active(at).filter(role__in=[role.value for role in TOLD], user__is_active=True)
    for posting in postings.select_related("user", "backup").order_by("id"):
        place: Place = (Level.BUREAU, None)
        if posting.role == Role.OFFICE_HEAD:
            place = (Level.OFFICE, posting.office_id)
        elif posting.role == Role.COMMUNITY_HEAD:
            place = (Level.COMMUNITY, posting.community_id)
        people: list[User | None] = [posting.user]
        if posting.user_id in away:
            people.append(away[posting.user_id] or posting.backup)
        for person in people:
            if person is not None and person.is_active and place not in found[person.pk]:
                found[person.pk].append(place)
    return dict(found)
