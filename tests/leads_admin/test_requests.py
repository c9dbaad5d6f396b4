"""The approved side roads in the admin: offered, asked by a form, decided on a page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from grids.demo import World
from kernel import clock
from kernel.approvals.models import Approval
from leads.models import Lead, Reclassification, SupervisionOrder
from leads.states import State
from tests.factories import leads as make
from tests.factories import requests

LEADS = "/admin/leads/lead/"
APPROVALS = "/admin/approvals/approval/"


def page(client: Any, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def in_days(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def test_asked_by_a_form_and_approved_on_the_list(world: World, signed_in: Any) -> None:
    lead = make.responded(world)
    owner, head = signed_in("commissioner-01"), signed_in(world.head_of(1).username)
    assert "申请暂缓" in page(owner, f"{LEADS}{lead.pk}/change/")
    form = f"{LEADS}{lead.pk}/act/suspend/"
    assert "暂缓原因" in page(owner, form)
    sent = {"version": lead.version, "reason_kind": "test_result", "until_on": in_days(30), "note": ""}
    refused = owner.post(form, sent)
    assert (refused.status_code, "7 天以内" in refused.content.decode()) == (400, True)
    assert owner.post(form, {**sent, "until_on": in_days(2)}).status_code == 302
    row = Approval.objects.get(subject_id=lead.pk)
    shown = page(head, f"{APPROVALS}?part=mine")
    assert "暂缓办理申请" in shown
    assert lead.number in shown
    assert "审批" in page(head, f"{LEADS}{lead.pk}/change/")
    assert row.about in page(owner, f"{APPROVALS}?part=asked")
    decide = f"{APPROVALS}decide/"
    assert "暂缓办理申请" in page(head, f"{decide}?ids={row.pk}")
    assert page(head, f"{APPROVALS}{row.pk}/change/")
    answer = head.post(decide, one(row, "approve"))
    assert answer.status_code == 302
    lead.refresh_from_db()
    assert lead.state == State.SUSPENDED
    text = page(owner, f"{LEADS}{lead.pk}/change/")
    assert "已暂停" in text
    assert "恢复办理" in text


def one(row: Approval, decision: str, note: str = "", version: int | None = None) -> dict[str, Any]:
    return many([(row, decision, note, version or row.version)])


def many(rows: list[tuple[Approval, str, str, int]]) -> dict[str, Any]:
    sent: dict[str, Any] = {"form-TOTAL_FORMS": len(rows), "form-INITIAL_FORMS": len(rows)}
    for number, (row, decision, note, version) in enumerate(rows):
        sent |= {
            f"form-{number}-approval": row.pk,
            f"form-{number}-version": version,
            f"form-{number}-decision": decision,
            f"form-{number}-note": note,
        }
    return sent


def test_many_decided_at_once_each_with_its_own_row(world: World, signed_in: Any) -> None:
    rows = [requests.asked_to_suspend(world) for _ in range(3)]
    head = signed_in(world.head_of(1).username)
    answer = head.post(
        f"{APPROVALS}decide/",
        many([(rows[0], "approve", "", 1), (rows[1], "refuse", "", 1), (rows[2], "approve", "", 9)]),
    )
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "不同意时请写明原因" in text
    assert "有了变化" in text
    states = dict(Approval.objects.values_list("pk", "state"))
    assert [states[row.pk] for row in rows] == ["approved", "waiting", "waiting"]


def test_who_asked_is_offered_no_decision(world: World, signed_in: Any) -> None:
    row = requests.asked_to_suspend(world)
    owner = signed_in("commissioner-01")
    assert owner.get(f"{APPROVALS}decide/?ids={row.pk}").status_code == 302
    owner.post(f"{APPROVALS}decide/", one(row, "approve"))
    row.refresh_from_db()
    assert row.state == "waiting"
    assert "提交审批结果" not in page(owner, f"{APPROVALS}{row.pk}/change/")
    stranger = signed_in("commissioner-21")
    assert row.about not in page(stranger, APPROVALS)
    assert stranger.get(f"{APPROVALS}{row.pk}/change/").status_code == 302
    auditor = signed_in("auditor")
    assert row.about in page(auditor, APPROVALS)
    assert auditor.post(f"{APPROVALS}decide/", one(row, "approve")).status_code == 403


def test_resumed_extended_rejected_reclassified_by_forms(world: World, signed_in: Any) -> None:
    owner = signed_in("commissioner-01")
    lead = requests.suspended(world)
    assert owner.post(f"{LEADS}{lead.pk}/act/resume/", {"version": lead.version}).status_code == 302
    lead.refresh_from_db()
    assert lead.state == State.RESPONDED
    sent: dict[str, Any] = {"version": lead.version, "until_on": in_days(6), "reason": "等待检验"}
    assert "延期至" in page(owner, f"{LEADS}{lead.pk}/act/extend/")
    assert owner.post(f"{LEADS}{lead.pk}/act/extend/", sent).status_code == 302
    assert Approval.objects.filter(subject_id=lead.pk, kind="lead.extend", state="waiting").exists()
    sent = {"version": lead.version, "category": "Q01", "severity": "", "reason": "现场核实"}
    assert "新的分类" in page(owner, f"{LEADS}{lead.pk}/act/reclassify/")
    assert owner.post(f"{LEADS}{lead.pk}/act/reclassify/", sent).status_code == 302
    assert Reclassification.objects.filter(lead=lead).exists()
    lead.refresh_from_db()
    sent = {"version": lead.version, "reason_kind": "untrue", "note": ""}
    assert owner.post(f"{LEADS}{lead.pk}/act/reject/", sent).status_code == 400
    assert owner.post(f"{LEADS}{lead.pk}/act/reject/", {**sent, "note": "无此情况"}).status_code == 302
    text = page(owner, f"{LEADS}{lead.pk}/change/")
    for word in ("申请与审批", "退单确认", "延期申请", "由“", "暂缓办理"):
        assert word in text, word


def test_an_order_gives_the_lead_to_another(world: World, signed_in: Any) -> None:
    order = make.late_response(world)
    head = signed_in(world.head_of(1).username)
    address = f"/admin/leads/supervisionorder/{order.pk}/change/"
    assert "新的承办人" in page(head, address)
    sent: dict[str, Any] = {"version": 1, "instruction": "reassign", "note": ""}
    refused = head.post(address, sent)
    assert (refused.status_code, "改派须选择" in refused.content.decode()) == (400, True)
    clerk = world.clerk_of(1)
    assert head.post(address, {**sent, "assignee": clerk.pk}).status_code == 302
    assert Lead.objects.get(pk=order.lead_id).assignee == clerk
    assert SupervisionOrder.objects.get(pk=order.pk).acknowledgements.count() == 1
