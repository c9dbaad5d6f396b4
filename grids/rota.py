"""The duty rota (值班表): set, swap in two taps, import from .xlsx. The only writer of `DutyShift`.

Journal stream `office:<id>`. A shift runs from 08:30 to 08:30 (`staffing.duty_day`); shifts that
are over are never changed. Nobody of the community side is put on an office's duty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from grids.access import forget, scope_of
from grids.authority import NOT_YOURS, may_keep_rota
from grids.models import DutyShift, Office, Posting
from grids.refusals import naming_the_rule
from grids.roles import COMMUNITY_SIDE, ONLY_IN_PERSON, DutyRole
from grids.staffing import duty_day
from kernel import journal
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from kernel.notices import outbox, templates

TOLD = "grids.duty_changed"
templates.register(TOLD, "值班安排变动", "{office}{day}的{role}现由您担任，自当日 08:30 至次日 08:30。")


@dataclass(frozen=True, slots=True)
class Wish:
    """One shift as it should be."""

    office: Office
    day: date
    role: str
    user: User


@dataclass(frozen=True, slots=True)
class Changes:
    """How many shifts came to be, changed, or were so already."""

    created: int
    updated: int
    unchanged: int


def may_be_on_duty(user_ids: Iterable[int], at: datetime) -> set[int]:
    """Those of the people who may be put on duty: not of the community side, not auditor or such."""
    asked = set(user_ids)
    barred = Posting.objects.active(at).filter(user_id__in=asked, role__in=COMMUNITY_SIDE | ONLY_IN_PERSON)
    return asked - set(barred.values_list("user_id", flat=True))


@transaction.atomic
def set_shifts(*, wishes: list[Wish], by: User, at: datetime) -> Changes:
    """Bring the rota to what is wished, all or nothing. What is so already stays untouched.

    The offices are locked until commit, so two clerks who upload at once come one after the other.

    Raises:
        NotAllowed: `by` does not keep the rota of one of the offices.
        Refused: a day that is over, or a person who may not be on duty.
    """
    if not wishes:
        return Changes(0, 0, 0)
    offices = {wish.office.pk: wish.office for wish in wishes}
    if not may_keep_rota(scope_of(by), offices):
        raise NotAllowed(NOT_YOURS, code="not_your_rota")
    list(Office.objects.select_for_update(no_key=True).filter(pk__in=offices).order_by("pk"))
    _must_be_possible(wishes, at)
    days = [wish.day for wish in wishes]
    rows = DutyShift.objects.filter(office_id__in=offices, day__range=(min(days), max(days)))
    rows = rows.select_related("office", "user")
    held = {(row.office_id, row.day, row.role): row for row in rows}
    fresh, changed = [], []
    for wish in wishes:
        row = held.get((wish.office.pk, wish.day, wish.role))
        if row is None:
            fresh.append(DutyShift(office=wish.office, day=wish.day, role=wish.role, user=wish.user))
        elif row.user_id != wish.user.pk:
            row.user = wish.user
            changed.append(row)
    with naming_the_rule(DutyShift):
        DutyShift.objects.bulk_create(fresh)
        DutyShift.objects.bulk_update(changed, ["user"])
    _note([*fresh, *changed], by, at)
    return Changes(len(fresh), len(changed), len(wishes) - len(fresh) - len(changed))


@transaction.atomic
def swap(*, first: DutyShift, second: DutyShift, by: User, at: datetime) -> tuple[DutyShift, DutyShift]:
    """Exchange the people of two shifts of one office. Both are told.

    Who keeps the rota may, and either of the two people.

    Raises:
        NotAllowed: `by` neither keeps this rota nor is on one of the shifts.
        Conflict: the same shift twice, two offices, two roles, or one is over already.
    """
    offices = Office.objects.select_for_update(no_key=True).order_by("pk")
    list(offices.filter(pk__in={first.office_id, second.office_id}))
    rows = DutyShift.objects.select_for_update(of=("self",)).select_related("office", "user")
    found = {row.pk: row for row in rows.filter(pk__in=(first.pk, second.pk)).order_by("pk")}
    if len(found) < len({first.pk, second.pk}):
        raise NotVisible("没有找到该班次。", code="not_found")
    one, two = found[first.pk], found[second.pk]
    if by.pk not in (one.user_id, two.user_id) and not may_keep_rota(
        scope_of(by), {one.office_id, two.office_id}
    ):
        raise NotAllowed(NOT_YOURS, code="not_your_rota")
    if one.pk == two.pk or one.office_id != two.office_id or one.role != two.role:
        raise Conflict("只能在同一个所、同一岗位的两个班次之间调换。", code="swap_does_not_fit")
    if min(one.day, two.day) < duty_day(at):
        raise Conflict("已经过去的班次不能调换。", code="shift_over")
    one.user, two.user = two.user, one.user
    DutyShift.objects.bulk_update([one, two], ["user"])
    _note([one, two], by, at)
    return one, two


def _must_be_possible(wishes: list[Wish], at: datetime) -> None:
    if min(wish.day for wish in wishes) < duty_day(at):
        raise Refused("已经过去的日期不能再排班。", code="shift_over", attr="day")
    if any(wish.role not in DutyRole.values for wish in wishes):
        raise Refused("班次岗位只能是值班员或带班领导。", code="dutyshift_role_known", attr="role")
    if len({(wish.office.pk, wish.day, wish.role) for wish in wishes}) < len(wishes):
        raise Refused("同一天的同一岗位排了两次。", code="dutyshift_one_a_day")
    allowed = may_be_on_duty({wish.user.pk for wish in wishes}, at)
    for wish in wishes:
        if wish.user.pk not in allowed or not wish.user.is_active:
            raise Refused(
                f"{wish.user.name}不能在所里值班(社区一方人员、审计员、管理员或已停用账号)。",
                code="cannot_be_on_duty", attr="user",
            )  # fmt: skip


def _note(rows: list[DutyShift], by: User, at: datetime) -> None:
    """One journal entry per office, one notice per person and shift."""
    for office_id in sorted({row.office_id for row in rows}):
        shifts = [[str(row.day), row.role, row.user_id] for row in rows if row.office_id == office_id]
        journal.append(
            stream=f"office:{office_id}", kind="rota_changed", by=by, at=at, data={"shifts": shifts}
        )
    drafts = [
        outbox.Draft(
            f"duty:{row.pk}:{row.user_id}:{at.isoformat()}", TOLD,
            {"office": row.office.name, "day": str(row.day), "role": row.get_role_display()},
            "office", row.office_id, row.user_id,
        )
        for row in rows
        if row.user_id != by.pk
    ]  # fmt: skip
    outbox.post(drafts, at=at)
    for row in rows:
        forget(row.user)
