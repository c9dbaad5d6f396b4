"""Changing a time limit: a new version is added, none is ever changed (DOMAIN.md §3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from kernel import journal
from kernel.accounts.models import User
from kernel.deadlines.models import LimitPolicy
from kernel.deadlines.policy import Counting, Unit
from kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new version says. `amount`: minutes, days or working days."""

    amount: int
    unit: Unit
    counting: Counting
    warn_percent: int | None
    in_force_from: datetime
    basis: str


def kinds() -> list[tuple[str, str]]:
    """Every kind of limit with its name, in the order of names."""
    newest = LimitPolicy.objects.order_by("kind", "-version").distinct("kind")
    return sorted(newest.values_list("kind", "name"), key=lambda one: one[1])


def add_version(*, kind: str, terms: Terms, by: User, at: datetime) -> LimitPolicy:
    """Add the next version of one limit, in force from a moment still to come. Clocks that run already
    keep theirs. The versions of the kind are locked, so two at once get two numbers.

    Raises:
        Refused: `unknown_limit`; `already_in_force`; `duty_respond_only` (only the response may count
            duty time).
    """
    if terms.in_force_from <= at:
        raise Refused("生效时间必须晚于现在。", code="already_in_force", attr="in_force_from")
    if terms.counting is Counting.DUTY and kind != "respond":
        raise Refused("只有接单时限可以按工作时间计时。", code="duty_respond_only", attr="counting")
    with transaction.atomic():
        versions = LimitPolicy.objects.filter(kind=kind)
        names = [row.name for row in versions.select_for_update().order_by("version")]
        if not names:
            raise Refused("没有这种时限。", code="unknown_limit", attr="kind")
        last: int = versions.aggregate(last=Max("version"))["last"]
        made = LimitPolicy.objects.create(
            kind=kind,
            version=last + 1,
            name=names[-1],
            amount=terms.amount,
            unit=terms.unit.value,
            counting=terms.counting.value,
            warn_percent=terms.warn_percent,
            in_force_from=terms.in_force_from,
            basis=terms.basis,
        )
        journal.append(
            stream=f"limit:{kind}",
            kind="limit.version_added",
            by=by,
            at=at,
            data={
                "version": made.version,
                "amount": made.amount,
                "unit": made.unit,
                "counting": made.counting,
                "warn_percent": made.warn_percent,
                "in_force_from": made.in_force_from.isoformat(),
                "basis": made.basis,
            },
        )
    return made
