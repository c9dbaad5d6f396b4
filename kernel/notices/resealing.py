"""Sealing anew under the newest key: secrets of robots and webhooks, and numbers of SMS that still wait."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from kernel import sealed
from kernel.notices.models import OutboxMessage, Robot, State, WebhookEndpoint

AT_ONCE = 500


def reseal() -> tuple[int, int]:
    """How many were sealed anew, and how many no key opens. Safe to repeat and to interrupt."""
    waiting = OutboxMessage.objects.filter(state__in=[State.PENDING, State.DEAD]).exclude(sealed="")
    counts = [
        _each(Robot.objects.exclude(secret_sealed=""), "secret_sealed"),
        _each(waiting, "sealed"),
        _each(WebhookEndpoint.objects.all(), "secret_sealed"),
    ]
    return sum(done for done, _ in counts), sum(broken for _, broken in counts)


def _each(rows: QuerySet[Any], column: str) -> tuple[int, int]:
    done = broken = last = 0
    while True:
        with transaction.atomic():
            batch: Iterable[tuple[int, str]] = list(
                rows.filter(pk__gt=last)
                .order_by("pk")
                .select_for_update(no_key=True)
                .values_list("pk", column)[:AT_ONCE]
            )
            for last, token in batch:
                try:
                    anew = sealed.sealed_anew(token.encode())
                except sealed.SealBroken:
                    broken += 1
                    continue
                if anew is not None:
                    rows.model.objects.filter(pk=last).update(**{column: anew.decode("ascii")})
                    done += 1
        if not batch:
            return done, broken
