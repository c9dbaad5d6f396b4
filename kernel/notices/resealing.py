"""Sealing anew under the newest key: secrets of robots and webhooks, and numbers of SMS that still wait."""

from __future__ import annotations

from kernel import sealed
from kernel.notices.models import OutboxMessage, Robot, State, WebhookEndpoint


def reseal() -> tuple[int, int]:
    """How many were sealed anew, and how many no key opens. Safe to repeat and to interrupt."""
    waiting = OutboxMessage.objects.filter(state__in=[State.PENDING, State.DEAD]).exclude(sealed="")
    counts = [
        sealed.reseal(Robot.objects.exclude(secret_sealed=""), "secret_sealed"),
        sealed.reseal(waiting, "sealed"),
        sealed.reseal(WebhookEndpoint.objects.all(), "secret_sealed"),
    ]
    return sum(done for done, _ in counts), sum(broken for _, broken in counts)
