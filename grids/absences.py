"""Leave and stand-ins (请假、代岗). The only writer of `Absence`.

An absence changes no owner: the stand-in may act while it runs, and what he signs names both.
Journal stream `user:<id>` of the person away; the stand-in and the person are told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from grids.access import forget, scope_of
from grids.authority import NOT_YOURS, may_staff_person, opposite_side
from grids.models import Absence, Posting
from grids.refusals import naming_the_rule
from grids.roles import STAND_ALONE
from kernel import journal
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, Refused
from kernel.notices import outbox, templates
from kernel.notices.policy import masked

LONGEST = timedelta(days=366)
TOLD = "grids.stand_in"

templates.register(
    TOLD, "代岗通知", "{person}自{from_at}至{until_at}请假，由您代岗，期间可代其接单、反馈、核验并签字。"
)

_on_change: list[Callable[..., Any]] = []


def on_change(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Have `callback(absence=, at=)` run in the transaction in which an absence is recorded or ends early.
    Twice is once."""
    if callback not in _on_change:
        _on_change.append(callback)
    return callback


@transaction.atomic
def record(
    *,
    user: User,
    stand_in: User | None,
    starts_at: datetime,
    ends_at: datetime,
    by: User,
    at: datetime,
    reason: str = "",
) -> Absence:
    """Write down that `user` is away from `starts_at` to `ends_at`; `stand_in` acts for him.

    Anyone may for himself, heads for their people. The same period again is refused, not doubled.

    Raises:
        NotAllowed: `by` is neither the person nor his head.
        Refused: the period is empty, over, or longer than a year.
        Conflict: overlaps another absence; the stand-in is the person himself, has no active
            account, is a system administrator or auditor, or stands on the other side of one of his
            grids.
    """
    if by.pk != user.pk and not may_staff_person(scope_of(by), user.pk, at):
        raise NotAllowed(NOT_YOURS, code="not_your_staff")
    _period_must_fit(starts_at, ends_at, at)
    if stand_in is not None:
        _must_fit(stand_in, user, max(at, starts_at), ends_at)
    with naming_the_rule(Absence):
        absence = Absence.objects.create(
            user=user,
            stand_in=stand_in,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=masked(reason.strip()),
        )
    _note(absence, "absence_recorded", by, at)
    _tell(absence, at)
    _changed(absence, at)
    return absence


@transaction.atomic
def end_early(*, absence: Absence, by: User, at: datetime) -> Absence:
    """He is back (销假): the absence ends now; one that had not begun never runs. Over: unchanged.

    Raises:
        NotAllowed: `by` is neither the person nor his head.
    """
    if by.pk != absence.user_id and not may_staff_person(scope_of(by), absence.user_id, at):
        raise NotAllowed(NOT_YOURS, code="not_your_staff")
    held = Absence.objects.select_for_update().get(pk=absence.pk)
    if held.ends_at > at:
        held.ends_at = max(at, held.starts_at)
        held.save(update_fields=["ends_at"])
        _note(held, "absence_ended", by, at)
        _changed(held, at)
    return held


def _period_must_fit(starts_at: datetime, ends_at: datetime, at: datetime) -> None:
    if ends_at <= starts_at:
        raise Refused("结束时间应晚于开始时间。", code="absence_ends_after_start", attr="ends_at")
    if ends_at <= at:
        raise Refused("请假时间已经过去，无需登记。", code="absence_over", attr="ends_at")
    if ends_at - starts_at > LONGEST:
        raise Refused("一次请假不能超过一年，请办理离任。", code="absence_too_long", attr="ends_at")


def _must_fit(stand_in: User, user: User, moment: datetime, ends_at: datetime) -> None:
    if not stand_in.is_active:
        raise Conflict("代岗人的账号已停用，请另选他人。", code="stand_in_inactive", attr="stand_in")
    alone = Posting.objects.filter(user=stand_in, role__in=STAND_ALONE, starts_at__lt=ends_at)
    if alone.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=moment)).exists():
        raise Conflict(
            "系统管理员、审计员不能代他人办理业务，请另选他人。",
            code="stand_in_stands_alone",
            attr="stand_in",
        )
    if Posting.objects.active(moment).filter(opposite_side(user.pk, stand_in.pk, moment)).exists():
        raise Conflict(
            "代岗人在同一网格属于另一方(所或社),不能代岗。", code="stand_in_other_side", attr="stand_in"
        )


def _note(absence: Absence, kind: str, by: User, at: datetime) -> None:
    data = {
        "absence_id": absence.pk,
        "stand_in_id": absence.stand_in_id,
        "starts_at": absence.starts_at.isoformat(),
        "ends_at": absence.ends_at.isoformat(),
    }
    User.objects.select_for_update(no_key=True).get(pk=absence.user_id)
    journal.append(stream=f"user:{absence.user_id}", kind=kind, by=by, at=at, data=data)
    forget(absence.user)
    if absence.stand_in is not None:
        forget(absence.stand_in)


def _changed(absence: Absence, at: datetime) -> None:
    for callback in list(_on_change):
        callback(absence=absence, at=at)


def _tell(absence: Absence, at: datetime) -> None:
    if absence.stand_in_id is None:
        return
    params = {
        "person": absence.user.name,
        "from_at": absence.starts_at.isoformat(),
        "until_at": absence.ends_at.isoformat(),
    }
    key = f"absence:{absence.pk}:stand_in:{absence.stand_in_id}"
    outbox.post([outbox.Draft(key, TOLD, params, "absence", absence.pk, absence.stand_in_id)], at=at)
