"""Leniency and guidance from the admin's pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from grids.demo import World
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.clock import SHANGHAI
from leads.models import Guidance, LeniencyDecision
from tests.factories import leads as made
from tests.factories.grids import make_entity
from tests.factories.leads import take_any
from tests.factories.photos import make_photo

pytestmark = pytest.mark.django_db


def act_page(lead: Any, key: str) -> str:
    return reverse("admin:leads_lead_act", args=[lead.pk, key])


def test_proposed_decided_and_signed_from_the_pages(world: World, signed_in: Any) -> None:
    shop = make_entity(world, 1)
    lead = made.responded(world, entity_id=shop.pk, category="L02")
    commissioner = signed_in("commissioner-01")
    asked = commissioner.get(act_page(lead, "propose-leniency")).content.decode()
    assert "属于初次" in asked
    corrected = (clock.now() - timedelta(minutes=5)).astimezone(SHANGHAI)
    sent = {
        "version": lead.version,
        "route": "FIRST_MINOR",
        "result": "no_penalty",
        "harm": "minor",
        "corrected_at_0": f"{corrected:%Y-%m-%d}",
        "corrected_at_1": f"{corrected:%H:%M}",
        "guidance": "已讲解亮照经营的规定",
        "note": "首次未亮照，已当场改正",
        "photos": SimpleUploadedFile("a.jpg", make_photo(), "image/jpeg"),
    }
    answer = commissioner.post(act_page(lead, "propose-leniency"), sent)
    assert answer.status_code == 302, answer.content.decode()
    for by in (world.head_of(1).username, "section-legal", "leader"):
        waiting = Approval.objects.of("lead", lead.pk).waiting().get()
        approvals.decide(approval_id=waiting.pk, by=world.user(by), approve=True, expect=take_any)
    for who, card, form in (("commissioner-01", "SD-0001", "2026-01"), ("office-01", "SD-0002", "")):
        lead.refresh_from_db()
        page = signed_in(who).get(reverse("admin:leads_lead_change", args=[lead.pk])).content.decode()
        assert act_page(lead, "leniency-sign") in page
        said = {"version": lead.version, "card_number": card, "form_number": form}
        assert signed_in(who).post(act_page(lead, "leniency-sign"), said).status_code == 302
    assert LeniencyDecision.objects.get().state == "completed"
    page = commissioner.get(reverse("admin:leads_lead_change", args=[lead.pk])).content.decode()
    assert "容错纠错" in page
    assert "SD-0002" in page
    listed = signed_in("section-legal").get(reverse("admin:leads_leniencydecision_changelist"))
    assert lead.number in listed.content.decode()


def test_guidance_in_one_form_and_twice_is_once(world: World, signed_in: Any) -> None:
    shop = make_entity(world, 1)
    client = signed_in("commissioner-01")
    address = reverse("admin:leads_guidance_add")
    form = client.get(address, {"entity": shop.pk}).context["form"]
    said = {
        "client_uid": str(form.initial["client_uid"]),
        "entity": shop.pk,
        "kind": "interview",
        "note": "约谈负责人",
    }
    for _ in range(2):
        assert client.post(address, said).status_code == 302
    assert Guidance.objects.get().kind == "interview"
    assert shop.name in client.get(reverse("admin:leads_guidance_changelist")).content.decode()
    sheet = client.get(reverse("admin:leads_guidance_changelist"), {"_export": "xlsx"})
    assert sheet.status_code == 200


def test_the_auditor_looks_and_gives_none(world: World, signed_in: Any) -> None:
    client = signed_in("auditor")
    assert client.get(reverse("admin:leads_guidance_changelist")).status_code == 200
    assert client.get(reverse("admin:leads_guidance_add")).status_code == 302


def test_guidance_stands_on_the_page_of_the_shop_and_is_entered_from_there(
    world: World, signed_in: Any
) -> None:
    shop = make_entity(world, 1, name="顺和饺子馆")
    page = reverse("admin:grids_businessentity_change", args=[shop.pk])
    enter = f"{reverse('admin:leads_guidance_add')}?entity={shop.pk}"
    client = signed_in("commissioner-01")
    html = client.get(page).content.decode()
    assert "还没有提醒、指导、约谈" in html
    assert enter in html
    form = client.get(enter).content.decode()
    assert form.count("顺和饺子馆") >= 1
    uid = "0b8e0f8e-6f55-4a2a-9d0f-0c0c5a5b3c11"
    said = {"client_uid": uid, "entity": shop.pk, "kind": "guide", "note": "已讲解明码标价"}
    bad = client.post(enter, said | {"kind": "punish"})
    assert bad.status_code == 200
    assert "已讲解明码标价" in bad.content.decode()
    assert client.post(enter, said)["Location"] == page
    html = client.get(page).content.decode()
    assert "已讲解明码标价" in html
    assert "提醒、指导、约谈" in html
    for username, offered in (("auditor", False), ("community-01", False), ("section-food", True)):
        assert (enter in signed_in(username).get(page).content.decode()) is offered, username
    assert Guidance.objects.count() == 1


def test_the_panel_names_no_lead_and_no_guidance_of_a_tip_off_to_others(world: World, signed_in: Any) -> None:
    shop = make_entity(world, 1)
    lead = made.responded(world, entity_id=shop.pk, category="L02")
    Guidance.objects.create(
        client_uid="0b8e0f8e-6f55-4a2a-9d0f-0c0c5a5b3c12", entity=shop, lead=lead, kind="guide",
        note="约谈内容", by=world.commissioner(1), at=clock.now(),
    )  # fmt: skip
    page = reverse("admin:grids_businessentity_change", args=[shop.pk])
    assert lead.number in signed_in("commissioner-01").get(page).content.decode()
    type(lead).objects.filter(pk=lead.pk).update(restricted=True, restricted_section="FOOD")
    html = signed_in("community-01").get(page).content.decode()
    assert lead.number not in html
    assert "约谈内容" not in html
