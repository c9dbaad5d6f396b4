"""Facts in the admin: brought in by file and confirmed, looked at, withdrawn; repairs entered for a shop."""

from __future__ import annotations

import io
import re
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import load_workbook

from credit import importing as facts
from credit.models import CreditFact, Repair
from grids import importing
from grids.demo import World
from grids.models import BusinessEntity, ImportFile
from kernel.journal.models import Entry
from tests.credit.asked import penalised, repaired
from tests.credit.test_admin_schemes import signed_in
from tests.credit.test_importing import as_csv, row
from tests.factories.grids import make_entity
from tests.factories.photos import make_photo
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
FACTS = "/admin/credit/creditfact/"
FILES = "/admin/grids/importfile/"
REPAIRS = "/admin/credit/repair/"
ALLOWED = {"esc", "xlsx", "csv", "MB", "A", "B", "C", "D"}


@pytest.fixture(autouse=True)
def _files_here(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    html = str(answer.content.decode())
    assert outside_in(html) == []
    return html


def upload(client: Client, content: bytes) -> Any:
    return client.post(f"{FILES}upload/facts/", {"file": SimpleUploadedFile("事实.csv", content)})


def test_a_file_of_facts_is_tried_confirmed_and_carried_out(world: World) -> None:
    shop, client = make_entity(world), signed_in(world, "clerk-01")
    assert f"{FILES}upload/facts/" in read(client, FACTS)
    form = read(client, f"{FILES}upload/facts/")
    assert "先试导、后导入" in form
    assert english_in(form, allowed=ALLOWED) == []
    blank = client.get(f"{FILES}template/facts.xlsx")
    assert load_workbook(io.BytesIO(blank.content)).get_sheet_by_index(0).to_python()[0][1] == "事实"
    content = as_csv(row(shop, "行政处罚", "一般", 编号="罚1"), row(shop, "抽检", 编号="抽1"))
    page = upload(client, content)["Location"]
    waiting = client.get(page)
    assert (waiting["Refresh"], "正在排队" in waiting.content.decode()) == ("2", True)
    assert importing.carry_on() == 1
    assert "将新增 2 条，0 条未变" in read(client, page)
    assert not CreditFact.objects.exists()
    tried = ImportFile.objects.get()
    done = client.post(f"{FILES}{tried.pk}/confirm/")["Location"]
    assert importing.carry_on() == 1
    assert "已导入：共 2 行，新增 2 条，0 条未变" in read(client, done)
    assert set(CreditFact.objects.values_list("source", flat=True)) == {"penalty:罚1", "sample:抽1"}
    assert Entry.objects.filter(kind="credit.facts_imported").count() == 1
    html = read(client, FILES)
    assert "信用事实" in html
    assert "更新" not in html.split("共 2 行")[1][:20]


def test_bad_rows_are_shown_downloaded_and_not_confirmed(world: World) -> None:
    shop, client = make_entity(world), signed_in(world, "section-credit")
    page = upload(client, as_csv(row(shop, "行政处罚", "较重"), row(shop, "抽检")))["Location"]
    importing.carry_on()
    html = read(client, page)
    assert "程度应为：轻微、一般、严重。" in html
    assert "确认导入" not in html
    file = ImportFile.objects.get()
    sheet = client.get(f"{FILES}{file.pk}/errors.xlsx")
    table = load_workbook(io.BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert table[1][:2] == [2.0, "程度"]
    assert client.post(f"{FILES}{file.pk}/confirm/").status_code == 302
    assert ImportFile.objects.count() == 1
    for bad in (b"PK\x03\x04", b"x" * (facts.MOST_BYTES + 1)):
        refused = upload(client, bad)
        assert refused.status_code == 200
        assert "文件" in refused.content.decode()
    assert client.get(f"{FILES}upload/nothing/").status_code == 404


def test_who_brings_facts_in(world: World) -> None:
    shop = make_entity(world)
    upload(signed_in(world, "clerk-01"), as_csv(row(shop, "抽检")))
    importing.carry_on()
    file = ImportFile.objects.get()
    for username, hands_in in (
        ("clerk-01", 200), ("office-01", 200), ("bureau", 200), ("section-credit", 200),
        ("section-food", 403), ("auditor", 403), ("commissioner-01", 403), ("admin", 403),
    ):  # fmt: skip
        client = signed_in(world, username)
        assert client.get(f"{FILES}upload/facts/").status_code == hands_in, username
    bureau = signed_in(world, "bureau")
    assert "/confirm/" not in read(bureau, f"{FILES}{file.pk}/change/")
    assert bureau.post(f"{FILES}{file.pk}/confirm/").status_code == 302
    assert "请先用同一文件试导" in read(bureau, f"{FILES}{file.pk}/change/")
    assert signed_in(world, "auditor").post(f"{FILES}{file.pk}/confirm/").status_code == 403


def test_a_worker_refuses_who_may_import_no_more(world: World) -> None:
    shop, client = make_entity(world), signed_in(world, "clerk-01")
    upload(client, as_csv(row(shop, "抽检")))
    type(world.clerk_of(1)).objects.filter(pk=world.clerk_of(1).pk).update(is_active=False)
    importing.carry_on()
    file = ImportFile.objects.get()
    if file.errors:
        assert file.errors[0]["code"] == "not_your_import"
    assert file.finished_at is not None


def test_a_fact_is_withdrawn_from_its_page(world: World) -> None:
    shop, fact = penalised(world, "LIGHT", ago=30)
    client = signed_in(world, "section-credit")
    page = read(client, f"{FACTS}{fact.pk}/change/")
    assert f"{FACTS}{fact.pk}/withdraw/" in page
    assert "未撤销" in page
    form = read(client, f"{FACTS}{fact.pk}/withdraw/")
    assert "不再计分" in form
    empty = client.post(f"{FACTS}{fact.pk}/withdraw/", {"why": ""})
    assert (empty.status_code, CreditFact.objects.filter(kind="WITHDRAWN").exists()) == (200, False)
    assert client.post(f"{FACTS}{fact.pk}/withdraw/", {"why": "录错主体"}).status_code == 302
    assert "录错主体" in read(client, f"{FACTS}{fact.pk}/change/")
    assert "已撤销" in read(client, FACTS)
    history = read(client, f"/admin/grids/businessentity/{shop.pk}/change/")
    assert "撤销信用事实" in history
    again = signed_in(world, "bureau").post(f"{FACTS}{fact.pk}/withdraw/", {"why": "录错主体"})
    assert "已经撤销" in again.content.decode()


def test_what_a_lead_pushed_says_why_it_stays_and_others_may_not(world: World) -> None:
    shop, fact = penalised(world, "LIGHT", ago=30)
    mark = CreditFact.objects.create(
        entity=shop, kind="FINDING", level="MINOR", ref="lead:4:1", at=fact.at, happened_on=fact.happened_on,
        source="lead:4:1:finding", recorded_at=fact.at,
    )  # fmt: skip
    bureau = signed_in(world, "bureau")
    answer = bureau.get(f"{FACTS}{mark.pk}/withdraw/", follow=True)
    assert "随线索的办理结果变动" in answer.content.decode()
    for username in ("clerk-01", "commissioner-01", "auditor", "section-food"):
        client = signed_in(world, username)
        assert f"{FACTS}{fact.pk}/withdraw/" not in read(client, f"{FACTS}{fact.pk}/change/")
        assert client.post(f"{FACTS}{fact.pk}/withdraw/", {"why": "录错"}).status_code == 403, username
    assert not CreditFact.objects.filter(kind="WITHDRAWN").exists()


def test_the_list_costs_the_same_for_few_and_many(world: World) -> None:
    client, counts = signed_in(world, "bureau"), []
    penalised(world, "LIGHT", ago=30)
    read(client, FACTS)
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            read(client, FACTS)
        counts.append(len(found))
        penalised_again(world)
    assert counts[0] == counts[1] <= 12, counts


def penalised_again(world: World) -> None:
    shop = make_entity(world, 2)
    for number in range(5):
        CreditFact.objects.create(
            entity=shop, kind="PLEDGE", ref=f"pledge:{shop.pk}:{number}", at="2026-01-01T00:00:00Z",
            happened_on="2026-01-01", source=f"pledge:{shop.pk}:{number}", recorded_at="2026-01-01T00:00:00Z",
        )  # fmt: skip


# --- 信用修复 ---------------------------------------------------------------------------------------


def repair_page(shop: BusinessEntity) -> str:
    return f"/admin/credit/creditstanding/{shop.pk}/repair/"


def application(fact: CreditFact, **said: Any) -> dict[str, Any]:
    proof = SimpleUploadedFile("缴款凭证.jpg", make_photo(), "image/jpeg")
    values = {"client_uid": str(uuid.uuid4()), "fact": fact.pk, "reason": "罚款已缴清", "photos": proof}
    return {name: value for name, value in (values | said).items() if value is not None}


def test_a_repair_is_entered_from_the_page_of_the_shop(world: World) -> None:
    shop, fact = penalised(world, "LIGHT", ago=30)
    client = signed_in(world, "clerk-01")
    page = f"/admin/grids/businessentity/{shop.pk}/change/"
    assert repair_page(shop) in read(client, page)
    form = read(client, repair_page(shop))
    assert "7号" in form
    known = ALLOWED | {"JPEG", "PNG", "WebP", "HEIC", "MP", "m", "a", "aac", "amr"}
    assert english_in(form.replace(shop.uscc, ""), allowed=known) == []
    said = application(fact)
    assert client.post(repair_page(shop), said).status_code == 302
    said["photos"].seek(0)
    assert client.post(repair_page(shop), said).status_code == 302
    row = Repair.objects.get()
    assert (row.fact, row.asked_by, len(row.evidence)) == (fact, world.clerk_of(1), 1)
    assert "没有可以申请修复的行政处罚" in read(client, repair_page(shop))
    html = read(client, page)
    assert repair_page(shop) not in html
    assert "申请信用修复" in html


def test_what_is_refused_stands_beside_the_form_and_the_proof_is_kept(world: World) -> None:
    shop, fact = penalised(world, "GRAVE", ago=30)
    client = signed_in(world, "commissioner-01")
    early = client.post(repair_page(shop), application(fact, reason="罚款已缴清，门店已整改"))
    html = early.content.decode()
    assert early.status_code == 409
    assert "满12个月后可以申请" in html
    assert "罚款已缴清，门店已整改" in html
    kept = re.search(r'name="kept" value="(\d+)"', html)
    assert kept, html
    empty = client.post(repair_page(shop), application(fact, reason="", kept=kept[1], photos=None))
    assert empty.status_code == 400
    assert f'value="{kept[1]}"' in empty.content.decode()
    bare = client.post(repair_page(shop), application(fact, photos=None))
    assert "请附上已缴纳罚款或者已改正的证明材料" in bare.content.decode()
    assert not Repair.objects.exists()


def test_what_people_wrote_is_masked_in_lists_and_workbooks_and_for_auditors(world: World) -> None:
    _, fact = penalised(world, "LIGHT", ago=10)
    row = repaired(world, fact, reason="罚款已缴，店主13812345678")
    one = f"{REPAIRS}{row.pk}/change/"
    for who in ("bureau", "auditor"):
        client = signed_in(world, who)
        assert "138****5678" in read(client, REPAIRS)
        sheet = client.get(f"{REPAIRS}?_export=xlsx").content
        lines = load_workbook(io.BytesIO(sheet)).get_sheet_by_index(0).to_python()
        assert lines[1][4] == "罚款已缴，店主138****5678"
        assert ("13812345678" in read(client, one)) == (who == "bureau")


def test_who_enters_a_repair(world: World) -> None:
    shop, fact = penalised(world, "LIGHT", ago=30)
    for username in ("section-credit", "bureau", "auditor", "community-01", "commissioner-20", "admin"):
        client = signed_in(world, username)
        assert client.get(repair_page(shop)).status_code == 403, username
        assert client.post(repair_page(shop), application(fact)).status_code == 403, username
    assert not Repair.objects.exists()
