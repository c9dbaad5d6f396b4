"""What the bureau keeps of the departments: joint notices' limits (versioned) and whom to ring up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from grids.access import scope_of
from grids.models import Department
from grids.roles import Role
from kernel import journal
from kernel.accounts.masking import mask_phone
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, Refused
from leads.models import DepartmentContact, DepartmentPolicy

LONGEST_MINUTES = 10080
MOBILE = re.compile(r"1[3-9][0-9]{9}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a joint notice sets, from a moment on (None: at once). Both limits None: no clock runs."""

    document_number: str
    answer_minutes: int | None
    on_site_minutes: int | None
    in_force_from: datetime | None = None


def add_policy(*, department: Department, terms: Terms, by: User, at: datetime) -> DepartmentPolicy:
    """Add the next version of a department's limits, in force from a moment not yet past. The bureau's.

    Clocks that run keep theirs. The department is locked, so two at once get two numbers.

    Raises:
        NotAllowed: `not_bureau`. Refused: `already_in_force`, `minutes_range`,
        `document_number`.
    """
    _refuse_stranger(by)
    in_force_from = terms.in_force_from or at
    if in_force_from < at:
        raise Refused("生效时间不能早于现在。", code="already_in_force", attr="in_force_from")
    if not terms.document_number.strip():
        raise Refused("请填写联合发文文号。", code="document_number", attr="document_number")
    for name in ("answer_minutes", "on_site_minutes"):
        minutes = getattr(terms, name)
        if minutes is not None and not 1 <= minutes <= LONGEST_MINUTES:
            raise Refused("时限应在 1 分钟至 7 天（10080 分钟）之间。", code="minutes_range", attr=name)
    with transaction.atomic():
        held = Department.objects.select_for_update(no_key=True).get(pk=department.pk)
        last = DepartmentPolicy.objects.filter(department=held).aggregate(last=Max("version"))["last"] or 0
        made = DepartmentPolicy.objects.create(
            department=held,
            version=last + 1,
            document_number=terms.document_number.strip(),
            answer_minutes=terms.answer_minutes,
            on_site_minutes=terms.on_site_minutes,
            in_force_from=in_force_from,
            added_by=by,
            added_at=at,
        )
        journal.append(
            stream=f"department:{held.pk}",
            kind="department.policy_added",
            by=by,
            at=at,
            data={
                "version": made.version,
                "document_number": made.document_number,
                "answer_minutes": made.answer_minutes,
                "on_site_minutes": made.on_site_minutes,
                "in_force_from": made.in_force_from.isoformat(),
            },
        )
    return made


@dataclass(frozen=True, slots=True)
class Card:
    """What is written down of a contact. `account`: the same person's account, if he has one."""

    name: str
    phone: str
    is_head: bool = False
    is_active: bool = True
    account: User | None = None


def keep_contact(
    *, department: Department, card: Card, by: User, at: datetime, contact: DepartmentContact | None = None
) -> DepartmentContact:
    """Write down a contact, or change one. The journal keeps the masked number only. The bureau's.

    Raises:
        NotAllowed: `not_bureau`. Refused: `phone`. Conflict: `phone_taken`.
    """
    _refuse_stranger(by)
    if MOBILE.fullmatch(card.phone) is None:
        raise Refused("请填写 11 位手机号。", code="phone", attr="phone")
    with transaction.atomic():
        held = Department.objects.select_for_update(no_key=True).get(pk=department.pk)
        row = contact or DepartmentContact(department=held)
        row.name, row.phone, row.is_head = card.name, card.phone, card.is_head
        row.is_active, row.account = card.is_active, card.account
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as broken:
            if "leads_departmentcontact_one_phone" not in str(broken):
                raise
            raise Conflict("该部门已有这个手机号的联系人。", code="phone_taken", attr="phone") from broken
        journal.append(
            stream=f"department:{held.pk}",
            kind="department.contact_changed" if contact else "department.contact_added",
            by=by,
            at=at,
            data={
                "contact": row.pk,
                "phone": mask_phone(row.phone),
                "is_head": row.is_head,
                "is_active": row.is_active,
                "account": row.account_id,
            },
        )
    return row


def _refuse_stranger(by: User) -> None:
    scope = scope_of(by)
    if not scope.has(Role.BUREAU) or scope.is_auditor:
        raise NotAllowed("部门报到时限和联系人由市场监管局维护。", code="not_bureau")
