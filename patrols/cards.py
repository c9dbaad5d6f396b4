"""执法证: kept by the office's head for his people, by the bureau for everybody. Written only here."""

from __future__ import annotations

import re
from datetime import date, datetime

from django.db import transaction

from grids.access import scope_of
from grids.models import Posting
from grids.roles import Role
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, Refused
from patrols.inspections import INSPECTS, OF_BUREAU
from patrols.models import EnforcementCard

NUMBER = r"[0-9A-Za-z-]{4,40}"
NO_NUMBER = "执法证号应为4至40位数字、字母。"


@transaction.atomic
def keep(*, officer_id: int, number: str, expires_on: date, by: User) -> tuple[EnforcementCard, bool]:
    """Write down an officer's card, or until when it is good now; whether it is new. The officer is locked,
    and his journal (`user:<id>`) tells. Repeating it changes nothing.

    Raises:
        NotAllowed: `not_card_keeper`, `not_an_officer` – a grid worker never holds one.
        Refused: `unknown_person`, `bad_card_number`. Conflict: `card_taken` – the number is another's.
    """
    number = checked(number)
    officer = User.objects.select_for_update(no_key=True).filter(pk=officer_id, is_active=True).first()
    if officer is None:
        raise Refused("没有这个在用账号，请重新选择。", code="unknown_person", attr="officer")
    at = clock.now()
    refuse(officer, by=by, at=at)
    card = EnforcementCard.objects.select_for_update().filter(number=number).first()
    if card is not None and card.officer_id != officer.pk:
        raise Conflict("该执法证号已登记在他人名下，请核对。", code="card_taken", attr="number")
    if card is not None and card.expires_on == expires_on:
        return card, False
    created = card is None
    card = card or EnforcementCard(officer=officer, number=number)
    before = None if created else card.expires_on.isoformat()
    card.expires_on = expires_on
    card.save()
    said = {"number": number, "expires_on": expires_on.isoformat(), "before": before}
    journal.append(stream=f"user:{officer.pk}", kind="card_kept", by=by, at=at, data=said)
    return card, created


def checked(number: str) -> str:
    """The number as it is kept. Raises Refused `bad_card_number`."""
    number = number.strip()
    if not re.fullmatch(NUMBER, number):
        raise Refused(NO_NUMBER, code="bad_card_number", attr="number")
    return number


def _offices(officer: User, at: datetime) -> set[int]:
    """The offices that he serves; empty for the bureau's people. Raises NotAllowed `not_an_officer`."""
    rows = Posting.objects.active(at).filter(user=officer)
    held = list(rows.values_list("role", "office_id", "grid__office_id"))
    roles = {role for role, _, _ in held}
    if Role.GRID_WORKER in roles or not roles & (INSPECTS | OF_BUREAU):
        raise NotAllowed(
            f"{officer.name}不是执法人员，不能登记执法证。", code="not_an_officer", attr="officer"
        )
    found = {own or of_grid for role, own, of_grid in held if role in INSPECTS}
    return {one for one in found if one is not None}


def refuse(officer: User, *, by: User, at: datetime) -> None:
    """Raise NotAllowed where this is no officer (`not_an_officer`), or `by` keeps no card of his
    (`not_card_keeper`)."""
    offices, scope = _offices(officer, at), scope_of(by)
    heads = any(scope.seat(Role.OFFICE_HEAD, office_id=one) for one in offices)
    if not heads and not scope.has(Role.BUREAU):
        raise NotAllowed("执法证由本所所长或市场监管局登记。", code="not_card_keeper")
