"""Side roads and look-backs from the pages: offered to who may, done by the service, shown on the lead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client

from grids.demo import World
from kernel import clock
from leads.models import InterimFeedback, Lead, LookBack, Recheck, Recusal, Referral
from tests.factories import after
from tests.factories import leads as make
from tests.leads_admin.test_pages import ALLOWED, CODE
from tests.suoshe.pages import english_in, outside_in

LEADS = "/admin/leads/lead/"
LOOK_BACKS = "/admin/leads/lookback/"


def act(client: Client, lead: Lead, key: str, **typed: Any) -> Any:
    version = Lead.objects.get(pk=lead.pk).version
    return client.post(f"{LEADS}{lead.pk}/act/{key}/", {"version": version, **typed})


def offered(client: Client, lead: Lead) -> set[str]:
    html = client.get(f"{LEADS}{lead.pk}/change/").content.decode()
    return {part.partition("/")[0] for part in html.split(f"{LEADS}{lead.pk}/act/")[1:]}


def in_days(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def test_from_the_order_to_rectify_to_the_look_back(world: World, signed_in: Any) -> None:
    lead = after.ordered(world, 1, severity="MINOR")
    commissioner, worker, head = (signed_in(who) for who in ("commissioner-01", "worker-01-3", "office-01"))
    assert offered(commissioner, lead) == {"correction", "recheck"}
    assert offered(worker, lead) == {"correction"}
    assert offered(head, lead) == {"reopen"}
    assert act(worker, lead, "correction", note="已清洗").status_code == 302
    assert act(commissioner, lead, "recheck", passed="yes", note="看过了").status_code == 302
    assert Recheck.objects.get().state == "waiting"
    assert offered(worker, lead) == {"correction", "countersign"}
    assert act(worker, lead, "countersign", agree="yes", note="").status_code == 302
    assert Lead.objects.get(pk=lead.pk).cleared_at is not None
    assert offered(commissioner, lead) == {"look-back"}
    row = LookBack.objects.earliest("number")
    early = act(commissioner, lead, "look-back", look_back=row.pk, passed="yes", note="早去")
    assert early.status_code == 409
    assert "还没有到回头看的时间" in early.content.decode()
    assert (
        act(commissioner, lead, "look-back", look_back=row.pk, passed="no", note="又脏了").status_code == 302
    )
    back = Lead.objects.get(pk=lead.pk)
    assert (back.state, back.severity) == ("responded", "MODERATE")
    html = commissioner.get(f"{LEADS}{lead.pk}/change/").content.decode()
    for word in ("复查与回头看", "整改证明", "反弹", "回头看反弹", "重新办理"):
        assert word in html
    assert english_in(CODE.sub("", html), allowed=ALLOWED) == []


def test_settled_interim_recused_and_handed_over(world: World, signed_in: Any) -> None:
    commissioner, clerk = signed_in("commissioner-01"), signed_in("clerk-01")
    on_spot = make.reported(world, 1, fixed_on_spot=True)
    assert {"settle", "recuse", "respond"} <= offered(commissioner, on_spot)
    assert act(commissioner, on_spot, "settle", kind="guided", note="当场改好").status_code == 302
    assert Lead.objects.get(pk=on_spot.pk).state == "fed_back"
    assert act(signed_in("worker-01-2"), on_spot, "recuse-verifying", reason="亲属").status_code == 302

    taken = make.responded(world, 1)
    typed = {"done": "已抽样", "remaining": "等检验", "final_due_on": in_days(3)}
    assert act(commissioner, taken, "interim", **typed | {"final_due_on": in_days(-3)}).status_code == 400
    assert act(commissioner, taken, "interim", **typed).status_code == 302
    assert InterimFeedback.objects.get().done == "已抽样"
    assert act(commissioner, taken, "recuse", reason="店主是亲属").status_code == 302
    assert Recusal.objects.filter(was_owner=True).get().lead_id == taken.pk

    sent = make.responded(world, 1)
    typed = {"kind": "handed_over", "note": "移交公安"}
    assert act(commissioner, sent, "feed-back", **typed).status_code == 400
    assert act(commissioner, sent, "feed-back", **typed, department="police").status_code == 302
    assert "receipt" in offered(clerk, sent)
    assert act(clerk, sent, "receipt", number="公受1号").status_code == 302
    assert act(clerk, sent, "reply", reply="已立案").status_code == 302
    assert Referral.objects.get().reply == "已立案"
    html = clerk.get(f"{LEADS}{sent.pk}/change/").content.decode()
    assert "已答复" in html
    assert english_in(CODE.sub("", html), allowed=ALLOWED) == []


def test_the_number_of_a_case_that_follows(world: World, signed_in: Any) -> None:
    lead = make.responded(world, 1)
    commissioner = signed_in("commissioner-01")
    assert act(commissioner, lead, "feed-back", kind="penalty", note="已立案").status_code == 302
    assert "case-number" not in offered(signed_in("worker-01-1"), lead)
    assert {"case-number"} == offered(commissioner, lead)
    assert act(commissioner, lead, "case-number", case_number="").status_code == 400
    assert act(commissioner, lead, "case-number", case_number="〔2026〕12号").status_code == 302
    html = commissioner.get(f"{LEADS}{lead.pk}/change/").content.decode()
    assert "案件编号：〔2026〕12号" in html
    assert "补登案件编号" in html, "in the journal"
    assert offered(commissioner, lead) == set()
    assert english_in(CODE.sub("", html), allowed=ALLOWED) == []


def test_merged_and_taken_back(world: World, signed_in: Any) -> None:
    old, young = make.reported(world, 1), make.reported(world, 1)
    clerk = signed_in("clerk-01")
    page = clerk.get(f"{LEADS}{old.pk}/act/merge/").content.decode()
    assert young.number in page
    assert act(clerk, old, "merge", into=young.pk, reason="").status_code == 302
    assert offered(clerk, old) == {"unmerge"}
    html = clerk.get(f"{LEADS}{young.pk}/change/").content.decode()
    assert f"{old.number}</a> 于" in html
    assert act(clerk, old, "unmerge", reason="不是一回事").status_code == 302
    assert Lead.objects.get(pk=old.pk).state == "dispatched"


def test_the_list_of_look_backs(world: World, signed_in: Any) -> None:
    lead = after.cleared(world, 1, category="F03")
    worker = signed_in("worker-01-1")
    html = worker.get(LOOK_BACKS).content.decode()
    assert html.count(lead.number) >= 2
    assert english_in(CODE.sub("", html), allowed=ALLOWED) == []
    assert outside_in(html) == []
    assert lead.number in worker.get(LOOK_BACKS, {"due": "week"}).content.decode()
    assert lead.number not in worker.get(LOOK_BACKS, {"due": "late"}).content.decode()
    assert lead.number not in signed_in("worker-21-1").get(LOOK_BACKS).content.decode()
    row = LookBack.objects.earliest("number")
    answer = worker.get(f"{LOOK_BACKS}{row.pk}/change/")
    assert answer["Location"] == f"{LEADS}{lead.pk}/change/"
    sheet = worker.get(LOOK_BACKS, {"_export": "xlsx"})
    assert sheet.status_code == 200
