"""Whistles for tests, made through the services: joint notices, contacts, calls."""

from __future__ import annotations

import uuid
from typing import Any

from grids.demo import World
from kernel import clock
from leads import departments, whistles
from leads.departments import Card, Terms
from leads.models import DepartmentContact, DepartmentPolicy, Lead, Whistle, WhistleCall
from leads.whistles import Request

__all__ = ["blown", "call_of", "contact", "joint_notice", "request"]


def joint_notice(
    world: World, code: str = "police", answer: int | None = 30, on_site: int | None = 120
) -> DepartmentPolicy:
    """A joint notice that sets limits for one department from now on."""
    return departments.add_policy(
        department=world.departments[code],
        terms=Terms("肥政办发〔2026〕1号", answer, on_site),
        by=world.user("bureau"),
        at=clock.now(),
    )


def contact(
    world: World,
    code: str = "fire",
    phone: str = "13900000001",
    *,
    head: bool = False,
    account: str | None = None,
) -> DepartmentContact:
    card = Card("消防联络人", phone, head, account=world.user(account) if account else None)
    return departments.keep_contact(
        department=world.departments[code], card=card, by=world.user("bureau"), at=clock.now()
    )


def request(
    world: World, number: int = 1, departments: tuple[str, ...] = ("police",), **fields: Any
) -> Request:
    fields.setdefault("client_uid", uuid.uuid4())
    fields.setdefault("reason", "多辆电动车堵住消防通道")
    return Request(departments=departments, grid=world.grid(number).code, **fields)


def blown(
    world: World,
    number: int = 1,
    departments: tuple[str, ...] = ("police",),
    *,
    by: str | None = None,
    lead: Lead | None = None,
    **fields: Any,
) -> Whistle:
    """A whistle by the head of the grid's lead community (or by `by`)."""
    asked = request(world, number, departments, lead_id=lead.pk if lead else None, **fields)
    who = world.user(by) if by else world.community_head_of(number)
    return whistles.blow(request=asked, by=who).whistle


def call_of(whistle: Whistle, code: str = "police") -> WhistleCall:
    return WhistleCall.objects.get(whistle=whistle, department__code=code)
