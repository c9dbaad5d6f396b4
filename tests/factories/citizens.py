"""Citizens who tell things: their leads, their SMS, and the links in them."""

from __future__ import annotations

from typing import Any

from grids.demo import World
from kernel import clock
from kernel.notices import telephones
from kernel.notices.models import OutboxMessage, State
from leads import answers
from leads.intake import Told
from leads.models import Lead
from tests.factories import leads as made

__all__ = ["NAME", "PHONE", "closed", "deliver", "lose", "reported", "sms", "token_in"]

NAME, PHONE = "诸葛青岚", "13905381357"


def reported(world: World, number: int = 1, *, name: str = NAME, phone: str = PHONE, **fields: Any) -> Lead:
    """A lead that a citizen told the office's clerk."""
    return made.told_by_office(world, number, told=Told(name, phone), **fields)


def closed(world: World, number: int = 1, *, name: str = NAME, phone: str = PHONE, **fields: Any) -> Lead:
    """The same, handled and verified."""
    clerk = world.clerk_of(number).username
    return made.closed(world, number, told=Told(name, phone), by=clerk, **fields)


def sms(lead: Lead) -> OutboxMessage:
    """The SMS that answers the citizen, as it waits in the outbox."""
    return OutboxMessage.objects.exclude(phone_masked="").filter(subject_id=lead.pk).latest("id")


def token_in(message: OutboxMessage) -> str:
    """The token of the survey's link in an SMS, as only the telephone sees it."""
    link: str = telephones.opened(message).params["link"]
    return link.rstrip("/").rsplit("/", 1)[1]


def deliver(lead: Lead) -> None:
    """The gateway took it."""
    OutboxMessage.objects.filter(pk=sms(lead).pk).update(
        state=State.DELIVERED, delivered_at=clock.now(), sealed=""
    )
    answers.settle_sms()


def lose(lead: Lead) -> None:
    """The gateway gave up, or there is none."""
    OutboxMessage.objects.filter(pk=sms(lead).pk).update(state=State.DEAD)
    answers.settle_sms()
