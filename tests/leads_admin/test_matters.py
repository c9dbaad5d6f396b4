"""The desk's form asks what it is; platforms are kept with a secret that is shown once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from grids.demo import World
from kernel import sealed
from kernel.accounts.models import User
from leads.models import KeptComplaint, Lead, Matter, Platform
from tests.leads.calls import Api

pytestmark = pytest.mark.django_db
ADD = "/admin/leads/lead/add/"
PLATFORMS = "/admin/leads/platform/"


def sit_at(world: World, who: str) -> Client:
    user = world.user(who)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def form(world: World, **fields: Any) -> dict[str, Any]:
    lon, lat = world.point_in(1)
    place = {"lon": f"{lon:.6f}", "lat": f"{lat:.6f}"}
    return {
        "client_uid": str(uuid.uuid4()),
        "category": "F03",
        "description": "后厨用回收油",
        **place,
        **fields,
    }


def test_the_desk_is_asked_and_every_record_is_shown(world: World) -> None:
    clerk = sit_at(world, "clerk-01")
    assert "事项类别" in clerk.get(ADD).content.decode()
    sent = form(world, matter="tip_off+complaint", complaint="要求退款")
    shown = clerk.post(ADD, sent, follow=True).content.decode()
    lead, complaint = Lead.objects.get(), KeptComplaint.objects.get()
    assert lead.restricted
    assert f"举报 {lead.number}、投诉 {complaint.number} 已登记" in shown
    assert clerk.post(ADD, sent).status_code == 302
    assert Matter.objects.count() == 1, "sent twice, it is one matter"
    page = clerk.get(f"/admin/leads/lead/{lead.pk}/change/").content.decode()
    assert "举报 限制知悉" in page
    assert "申请暂缓" not in page
    missing = clerk.post(ADD, form(world, matter="request+complaint"))
    assert "请填写投诉内容" in missing.content.decode()
    alone = form(world, matter="complaint", category="")
    assert clerk.post(ADD, alone).status_code == 302
    assert KeptComplaint.objects.count() == 2


def test_a_grid_worker_is_not_asked(world: World) -> None:
    worker = sit_at(world, "worker-01-1")
    assert "事项类别" not in worker.get(ADD).content.decode()
    assert worker.post(ADD, form(world, matter="tip_off")).status_code == 400
    assert worker.post(ADD, form(world)).status_code == 302
    assert not Lead.objects.get().restricted


def test_a_platform_shows_its_secret_once(world: World) -> None:
    bureau = sit_at(world, "bureau")
    terms = {"code": "p12345", "kind": "12345", "name": "市热线", "is_active": "on", "callback_path": ""}
    assert (
        "不在允许的名单"
        in bureau.post(
            f"{PLATFORMS}add/", terms | {"callback_path": "https://evil.example/x"}
        ).content.decode()
    )
    shown = bureau.post(f"{PLATFORMS}add/", terms)
    platform = Platform.objects.get()
    secret = str(sealed.unseal_json(platform.sealed_secret))
    assert secret in shown.content.decode()
    page = f"{PLATFORMS}{platform.pk}/change/"
    changed = bureau.post(f"{PLATFORMS}{platform.pk}/change-secret/")
    platform.refresh_from_db()
    anew = str(sealed.unseal_json(platform.sealed_secret))
    assert anew != secret
    assert anew in changed.content.decode()
    for path in (PLATFORMS, page):
        told = bureau.get(path).content.decode()
        assert not any(one in told for one in (secret, anew, platform.sealed_secret))
    assert "更换中" in bureau.get(PLATFORMS).content.decode()
    bureau.post(f"{PLATFORMS}{platform.pk}/forget-before/")
    platform.refresh_from_db()
    assert platform.sealed_secret_before == ""
    assert sit_at(world, "clerk-01").get(PLATFORMS).status_code == 403


@pytest.mark.parametrize("who", ["bureau", "section-price"])
def test_who_takes_a_tip_off_for_others_keeps_its_number_only(world: World, who: str) -> None:
    """限制知悉: whoever took it down has the receipt; he opens neither its page nor its matter."""
    desk = sit_at(world, who)
    sent = form(world, matter="tip_off")
    answer = desk.post(ADD, sent, follow=True)
    lead = Lead.objects.get()
    assert (lead.restricted, lead.restricted_section) == (True, "FOOD")
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert f"举报 {lead.number} 已登记" in shown
    assert "回收油" not in shown
    assert desk.get(f"/admin/leads/lead/{lead.pk}/change/", follow=True).content.decode().count("回收油") == 0
    api = Api(Client())
    user = world.user(who)
    assert api.get(user, f"leads/{lead.pk}/").status_code == 404
    assert api.get(user, f"matters/{Matter.objects.get().pk}/").status_code == 404
    assert api.get(user, "matters/").json()["results"] == []
