"""Files of facts over the API: tried first, all or nothing, repeatable, every bad row named."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from python_calamine import load_workbook

from credit import grading, ledger
from credit.explaining import explain
from credit.importing_rows import COLUMNS, SORTS
from credit.models import CreditFact, CreditStanding, DirtyEntity
from grids import duplicates
from grids.demo import World
from grids.models import BusinessEntity, DuplicatePair, ImportFile
from kernel import clock
from kernel.journal.models import Entry
from tests.factories.accounts import bearer
from tests.factories.grids import make_entity

pytestmark = pytest.mark.django_db
HEADS = [column.head for column in COLUMNS]
PATH = "/api/v1/credit/facts/import/"


def row(entity: BusinessEntity | str, kind: str, level: str = "", **cells: str) -> dict[str, str]:
    code = entity if isinstance(entity, str) else entity.uscc or entity.code
    given = {"编号": "一号", "发生日期": "2026-01-31"} | cells
    return {HEADS[0]: code, "事实": kind, "程度": level, **given}


def as_csv(*rows: dict[str, str]) -> bytes:
    out = io.StringIO()
    page = csv.DictWriter(out, HEADS)
    page.writeheader()
    page.writerows(rows)
    return out.getvalue().encode("gb18030")


def post(client: Client, user: Any, content: bytes, *, dry_run: bool = True) -> Any:
    body = {"file": SimpleUploadedFile("事实.csv", content), "dry_run": str(dry_run).lower()}
    return client.post(PATH, body, headers=bearer(user))


def carried(client: Client, user: Any, *rows: dict[str, str]) -> dict[str, Any]:
    tried = post(client, user, as_csv(*rows))
    assert (tried.status_code, tried.json()["errors"]) == (200, []), tried.content.decode()
    done = post(client, user, as_csv(*rows), dry_run=False)
    assert done.status_code == 200, done.content.decode()
    told: dict[str, Any] = done.json()
    return told


def codes(client: Client, user: Any, *rows: dict[str, str]) -> list[tuple[int, str]]:
    tried = post(client, user, as_csv(*rows)).json()
    return [(one["row"], one["code"]) for one in tried["errors"]]


def test_facts_come_in_once(world: World, client: Client) -> None:
    shop, stall = make_entity(world), make_entity(world, uscc="")
    rows = [
        row(shop, "行政处罚", "一般", 编号="罚〔2026〕1号", 说明="经营过期食品，当事人电话13812345678"),
        row(shop, "抽检不合格", 编号="CJ1"),
        row(shop, "年报", "未报", 编号="2024年度", 发生日期=""),
        row(shop, "经营异常", "列入"),
        row(stall, "信用承诺", 编号=""),
        row(stall, "参加培训", 编号="", 发生日期="2026/3/1"),
    ]
    user = world.user("bureau")
    assert post(client, user, as_csv(*rows)).json()["created"] == 6
    assert not CreditFact.objects.exists()
    told = carried(client, user, *rows)
    assert (told["state"], told["rows"], told["created"], told["unchanged"]) == ("DONE", 6, 6, 0)
    found = {fact.source: fact for fact in CreditFact.objects.all()}
    assert set(found) == {
        "penalty:罚〔2026〕1号", "sample:CJ1", f"report:2024:{shop.pk}:MISSING",
        f"abnormal:{shop.pk}:LISTED:2026-01-31:一号", f"pledge:{stall.pk}:2026-01-31",
        f"training:{stall.pk}:2026-03-01",
    }  # fmt: skip
    penalty = found["penalty:罚〔2026〕1号"]
    assert (penalty.level, penalty.happened_on, penalty.by) == ("ORDINARY", date(2026, 1, 31), user)
    assert "13812345678" not in penalty.data["what"]
    assert penalty.data["number"] == "罚〔2026〕1号"
    report = found[f"report:2024:{shop.pk}:MISSING"]
    assert (report.ref, report.happened_on) == ("report:2024", date(2025, 6, 30))
    assert set(DirtyEntity.objects.values_list("entity_id", flat=True)) == {shop.pk, stall.pk}
    again = carried(client, user, *rows)
    assert (again["created"], again["unchanged"]) == (0, 6)
    assert CreditFact.objects.count() == 6
    journal = Entry.objects.get(stream=f"import:{told['id']}")
    assert (journal.kind, journal.actor_id, journal.data["created"]) == ("credit.facts_imported", user.pk, 6)


def test_every_bad_row_is_named_and_nothing_is_written(world: World, client: Client) -> None:
    shop, user = make_entity(world), world.user("bureau")
    rows = [
        row(shop, "行政处罚", "一般"),
        row("91370983MA3TERT031", "抽检"),
        row(shop, "罚款"),
        row(shop, "行政处罚", "较重", 编号="2"),
        row(shop, "抽检", 编号=""),
        row(shop, "抽检", 编号="3", 发生日期="2026-13-01"),
        row(shop, "抽检", 编号="4", 发生日期="2027-01-01"),
        row(shop, "证照"),
        row(shop, "行政处罚", "一般"),
        row(shop, "年报", "未报", 编号="2026", 发生日期=""),
        row("", "抽检", 编号="5"),
        row(shop, "年报", "按期", 编号="2025", 发生日期="2025-06-30"),
    ]
    assert codes(client, user, *rows) == [
        (3, "unknown_entity"), (4, "unknown_kind"), (5, "unknown_level"), (6, "no_number"), (7, "bad_day"),
        (8, "in_future"), (9, "licence_in_register"), (10, "doubled"), (11, "not_due_yet"), (12, "no_entity"),
        (13, "due_too_early"),
    ]  # fmt: skip
    refused = post(client, user, as_csv(*rows), dry_run=False)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["detail"] == "登记簿中没有这个主体，或不在您的辖区。"
    assert not CreditFact.objects.exists()
    file = ImportFile.objects.latest("id")
    sheet = client.get(f"/api/v1/credit/facts/imports/{file.pk}/errors.xlsx", headers=bearer(user))
    lines = load_workbook(io.BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert lines[0] == ["行号", "列", "填写内容", "原因"]
    assert len(lines) == 12


def test_a_number_means_one_fact_until_it_is_withdrawn(world: World, client: Client) -> None:
    shop, other, user = make_entity(world), make_entity(world), world.user("bureau")
    carried(client, user, row(shop, "行政处罚", "一般"))
    assert codes(client, user, row(shop, "行政处罚", "严重")) == [(2, "differs")]
    assert codes(client, user, row(other, "行政处罚", "一般")) == [(2, "differs")]
    ledger.withdraw("penalty:一号", by=user, at=clock.now(), why="录错主体")
    assert carried(client, user, row(other, "行政处罚", "一般"))["created"] == 1
    assert CreditFact.objects.get(source="penalty:一号~2").ref == "penalty:一号"
    assert carried(client, user, row(other, "行政处罚", "一般"))["unchanged"] == 1


def test_what_is_listed_and_removed_is_one_matter(world: World, client: Client) -> None:
    shop, user = make_entity(world), world.user("bureau")
    rows = [
        row(shop, "严重违法失信", "列入", 编号="A1", 发生日期="2026-01-05"),
        row(shop, "严重违法失信", "移出", 编号="B7", 发生日期="2026-02-05"),
    ]
    carried(client, user, *rows)
    facts = CreditFact.objects.filter(ref=f"blacklist:{shop.pk}").order_by("at")
    assert [fact.level for fact in facts] == ["LISTED", "REMOVED"]


def test_every_rule_of_the_scheme_has_facts_to_count(world: World, client: Client) -> None:
    """I1 登记信息不符 and I7 自查未做: nothing but a file tells of them."""
    shop, clerk = make_entity(world), world.clerk_of(1)
    rows = [
        row(shop, "登记信息不符", "不符", 编号="", 说明="经营地址"),
        row(shop, "自查未做", 编号="", 说明="月度食品安全"),
    ]
    assert carried(client, clerk, *rows)["created"] == 2
    grading.regrade_dirty()
    stands = CreditStanding.objects.get(pk=shop.pk)
    assert (stands.i1, stands.i7) == (9, 11)
    assert "登记信息“经营地址”与实际不符，扣3分，更正前持续计入" in explain(shop, clock.today()).text
    carried(client, clerk, row(shop, "登记信息不符", "已更正", 编号="", 发生日期="2026-02-01"))
    grading.regrade_dirty()
    assert CreditStanding.objects.get(pk=shop.pk).i1 == 12


def test_an_office_brings_facts_of_its_own_shops_and_never_a_veto(world: World, client: Client) -> None:
    near, far, clerk = make_entity(world, 1), make_entity(world, 21), world.clerk_of(1)
    assert codes(client, clerk, row(far, "抽检")) == [(2, "unknown_entity")]
    assert codes(client, clerk, row(near, "严重违法失信", "列入")) == [(2, "bureau_only")]
    assert carried(client, clerk, row(near, "抽检"))["created"] == 1
    refused = post(client, world.worker(1), as_csv(row(near, "抽检", 编号="9")))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "not_your_import")
    untried = post(client, world.head_of(1), as_csv(row(near, "抽检")), dry_run=False)
    assert untried.json()["errors"][0]["code"] == "dry_run_first"


def test_the_template_can_be_filled_in(world: World, client: Client) -> None:
    content = client.get(
        "/api/v1/credit/facts/import-template.xlsx", headers=bearer(world.clerk_of(1))
    ).content
    heads, example = load_workbook(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert heads == HEADS
    assert example[1] in SORTS


def test_what_is_said_last_of_a_report_holds(world: World, client: Client) -> None:
    """未报, then 逾期, then 未报 again: three facts of one matter; each file twice is once."""
    shop, user = make_entity(world), world.user("bureau")

    def said(level: str) -> tuple[int, int]:
        told = carried(client, user, row(shop, "年报", level, 编号="2024", 发生日期=""))
        return told["created"], told["unchanged"]

    for level in ("未报", "逾期", "未报", "逾期"):
        assert said(level) == (1, 0)
        assert said(level) == (0, 1)
    facts = CreditFact.objects.filter(entity=shop).order_by("pk")
    base = f"report:2024:{shop.pk}"
    assert list(facts.values_list("source", flat=True)) == [
        f"{base}:MISSING", f"{base}:LATE", f"{base}:MISSING~2", f"{base}:LATE~2",
    ]  # fmt: skip
    assert set(facts.values_list("ref", flat=True)) == {"report:2024"}
    grading.regrade_dirty()
    assert CreditStanding.objects.get(pk=shop.pk).i2 == 4
    ledger.withdraw(f"{base}:LATE~2", by=user, at=clock.now(), why="录入有误")
    assert said("未报") == (0, 1)
    assert said("逾期") == (1, 0)
    assert codes(client, user, row(shop, "年报", "逾期", 编号="2024", 发生日期="2025-07-31")) == [
        (2, "differs")
    ]


def test_a_paper_that_is_known_of_the_closed_entry_is_known_of_the_business(
    world: World, client: Client
) -> None:
    first, second = make_entity(world), make_entity(world)
    user = world.user("bureau")
    carried(client, user, row(second, "行政处罚", "一般", 编号="罚1号"))
    pair = DuplicatePair.objects.create(first=first, second=second, why="联系电话相同", found_at=clock.now())
    duplicates.judge(pair_id=pair.pk, by=user, same=True)
    told = carried(client, user, row(first, "行政处罚", "一般", 编号="罚1号"))
    assert (told["created"], told["unchanged"]) == (0, 1)


def test_errors_that_are_left_out_are_counted(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credit.importing.MOST_ERRORS", 2)
    rows = [row("", "抽检", 编号=str(number)) for number in range(5)]
    told = post(client, world.user("bureau"), as_csv(*rows)).json()
    assert [(one["row"], one["code"]) for one in told["errors"]] == [
        (2, "no_entity"), (3, "no_entity"), (0, "too_many_errors"),
    ]  # fmt: skip
    assert told["errors"][2]["detail"] == "错误过多，其余 3 处没有列出。"
