"""The pages of the admin that the fuzz visits, and a session to visit them with."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.test import Client

from leads.admin.moves import OFFERS
from tests.factories.house import House


def signed_in(house: House) -> str:
    """The cookie of somebody at the office who sees the whole house."""
    user = house.world.head_of(1)
    if not user.is_staff:
        type(user).objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}; "


def acts(house: House) -> list[str]:
    """Lists, pages and acts of the admin that have something to show in this house."""
    found = ["/admin/", "/admin/health/", "/admin/leads/lead/front/", "/admin/leads/lead/add/"]
    found += [f"/admin/{model._meta.label_lower.replace('.', '/')}/" for model in admin.site._registry]
    for lead in (*house.leads().values(), house.responded, house.fed_back, house.suspended, house.ordered):
        found += [f"/admin/leads/lead/{lead.pk}/act/{key}/" for key in KEYS]
    found += [
        "/admin/leads/supervisionorder/acknowledge/",
        f"/admin/leads/supervisionorder/{house.order.pk}/change/",
        f"/admin/leads/whistle/{house.whistle.pk}/change/",
        "/admin/approvals/approval/decide/",
        f"/admin/approvals/approval/{house.asked.pk}/change/",
    ]
    return found


KEYS = list(OFFERS)
