"""Files into the register over the API: tried first, all or nothing, repeatable, every bad row named."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import load_workbook

from grids import duplicates, importing, importing_plan, register, register_changes, sheets
from grids.access import scope_of
from grids.demo import World, demo_uscc
from grids.importing_columns import COLUMNS
from grids.importing_writes import write
from grids.models import BusinessEntity, DuplicatePair, EntityKind, ImportFile, KeyChange, Licence
from kernel import clock
from kernel.approvals.models import Approval
from kernel.journal.models import Entry
from kernel.journal.verify import verify
from tests.factories.accounts import bearer
from tests.factories.grids import make_entity

pytestmark = pytest.mark.django_db
HEADS = [column.head for column in COLUMNS]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def as_csv(*rows: dict[str, Any], heads: list[str] = HEADS) -> bytes:
    out = io.StringIO()
    page = csv.DictWriter(out, heads)
    page.writeheader()
    page.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def shop(world: World, number: int, grid: int = 1, **cells: Any) -> dict[str, Any]:
    lon, lat = world.point_in(grid)
    return {
        "名称": f"导入饭店{number}", "统一社会信用代码": demo_uscc(number, EntityKind.INDIVIDUAL),
        "主体类型": "个体工商户", "业态": "餐饮、食品销售", "经营者": "张三", "联系电话": "13812345678",
        "经营地址": f"新城路{number}号", "经度": lon, "纬度": lat, "成立日期": "2020/1/31",
        "证照类型": "营业执照；食品经营许可证", "证照编号": f"A{number}；JY{number}",
        "有效期至": "长期；2028-12-31",
        **cells,
    }  # fmt: skip


def post(client: Client, user: Any, content: bytes, *, dry_run: bool = True, name: str = "表.csv") -> Any:
    body = {"file": SimpleUploadedFile(name, content), "dry_run": str(dry_run).lower()}
    return client.post("/api/v1/entities/import/", body, headers=bearer(user))


def carried(client: Client, user: Any, content: bytes) -> dict[str, Any]:
    tried = post(client, user, content)
    assert (tried.status_code, tried.json()["errors"]) == (200, []), tried.content.decode()
    done = post(client, user, content, dry_run=False)
    assert done.status_code == 200, done.content.decode()
    told: dict[str, Any] = done.json()
    assert {name: told[name] for name in ("created", "updated", "unchanged")} == {
        name: tried.json()[name] for name in ("created", "updated", "unchanged")
    }
    return told


def test_a_file_is_tried_then_carried_out_then_changes_nothing(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(register_changes, "_handlers", [lambda ids, at: told.extend(ids)])
    user = world.clerk_of(1)
    content = as_csv(*(shop(world, n) for n in range(1, 6)))
    assert post(client, user, content, dry_run=False).json()["errors"][0]["code"] == "dry_run_first"
    first = carried(client, user, content)
    assert (first["rows"], first["created"], first["state"]) == (5, 5, "DONE")
    entity = BusinessEntity.objects.get(uscc=demo_uscc(1, EntityKind.INDIVIDUAL))
    assert (entity.name, entity.kind, entity.version) == ("导入饭店1", "INDIVIDUAL", 1)
    assert entity.business_types == ["CATERING", "FOOD_RETAIL"]
    assert (entity.grid_id, entity.placed_by) == (world.grid(1).pk, "POINT")
    assert [str(one) for one in Licence.objects.filter(entity=entity)] == [
        "营业执照 A1",
        "食品经营许可证 JY1",
    ]
    assert len(entity.code) == 10
    assert len(told) == 5
    before = list(BusinessEntity.objects.order_by("id").values())
    again = carried(client, user, content)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 5)
    assert list(BusinessEntity.objects.order_by("id").values()) == before
    assert len(told) == 5
    assert Entry.objects.filter(stream=f"entity:{entity.pk}").count() == 1
    assert verify() is None


def test_what_differs_is_changed_and_written_down(world: World, client: Client) -> None:
    user = world.user("bureau")
    carried(client, user, as_csv(*(shop(world, n) for n in (1, 2, 3))))
    changed = shop(world, 1, 名称="改名饭店", 经营者="李四", 联系电话="", 有效期至="长期；2030-01-01")
    moved = shop(world, 2, grid=2)
    told = carried(client, user, as_csv(changed, moved, shop(world, 3)))
    assert (told["created"], told["updated"], told["unchanged"]) == (0, 2, 1)
    entity = BusinessEntity.objects.get(name="改名饭店")
    assert (entity.version, entity.contact_phone) == (2, "13812345678")
    entry = Entry.objects.filter(stream=f"entity:{entity.pk}").latest("seq")
    assert (entry.kind, entry.actor_id) == ("entity.imported", user.pk)
    assert entry.data["changes"] == {
        "name": {"from": "导入饭店1", "to": "改名饭店"}, "operator_name": {"from": "张**", "to": "李**"}
    }  # fmt: skip
    assert entry.data["licences"][0]["to"] == "2030-01-01"
    other = BusinessEntity.objects.get(name="导入饭店2")
    assert other.grid_id == world.grid(2).pk


def test_rows_find_their_business_by_door_by_code_by_name(world: World, client: Client) -> None:
    stall = make_entity(world, name="豆腐摊", uscc="", address="东市", kind="STALL")
    by_hand = make_entity(world, 5, name="老店", placed_by="HAND")
    rows = [
        {"名称": "豆腐摊", "经营地址": "东市", "统一社会信用代码": demo_uscc(9, EntityKind.INDIVIDUAL)},
        {
            "一店一码": by_hand.code.lower(),
            "名称": "新店",
            **{k: shop(world, 1)[k] for k in ("经度", "纬度")},
        },
        {"名称": "新摊", "社区": world.communities[-1].name},
    ]
    told = carried(client, world.user("bureau"), as_csv(*rows))
    assert (told["created"], told["updated"]) == (1, 2)
    stall.refresh_from_db()
    by_hand.refresh_from_db()
    assert stall.uscc == demo_uscc(9, EntityKind.INDIVIDUAL)
    assert (by_hand.name, by_hand.grid_id) == ("新店", world.grid(5).pk)
    fresh = BusinessEntity.objects.get(name="新摊")
    assert (fresh.kind, fresh.community_id) == ("STALL", world.communities[-1].pk)


def test_stalls_of_one_name_without_address_are_told_apart_by_their_grid(
    world: World, client: Client
) -> None:
    user = world.user("bureau")
    one, two = ({"名称": "煎饼摊", "网格": world.grid(n).code} for n in (1, 2))
    assert carried(client, user, as_csv(one, two))["created"] == 2
    assert carried(client, user, as_csv(two, one))["unchanged"] == 2
    assert post(client, user, as_csv(one, one)).json()["errors"][0]["code"] == "doubled"
    told = post(client, user, as_csv({"名称": "煎饼摊"})).json()
    assert told["errors"][0]["code"] == "ambiguous"
    lon, lat = world.point_in(3)
    found = post(client, user, as_csv({"名称": "煎饼摊", "经度": lon, "纬度": lat})).json()
    assert [error["detail"] for error in found["errors"]] == [importing_plan.ELSEWHERE]
    coded = {
        "名称": "煎饼摊",
        "网格": world.grid(3).code,
        "统一社会信用代码": demo_uscc(7, EntityKind.INDIVIDUAL),
    }
    assert carried(client, user, as_csv(coded))["created"] == 1


def test_a_grid_of_one_community_gives_the_community(world: World, client: Client) -> None:
    grid = next(g for g in (world.grid(n) for n in range(1, 22)) if g.communities.count() == 1)
    carried(client, world.user("bureau"), as_csv({"名称": "独苗店", "网格": grid.code}))
    assert BusinessEntity.objects.get(name="独苗店").community == grid.communities.get()


def test_whose_code_it_is_is_told_to_who_may_know(world: World, client: Client) -> None:
    theirs = make_entity(world, 21, name="别所的店")
    mine = make_entity(world, 1, name="本所的店", uscc="")
    content = as_csv({"一店一码": mine.code, "名称": "本所的店", "统一社会信用代码": theirs.uscc})
    for user, knows in ((world.user("bureau"), True), (world.clerk_of(1), False)):
        error = post(client, user, content).json()["errors"][0]
        assert error["code"] == "uscc_taken"
        assert ("别所的店" in error["detail"]) is knows


def test_what_is_changed_meanwhile_is_not_overwritten(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, held = world.user("bureau"), make_entity(world, 1, name="老店", contact_phone="13800000000")
    content = as_csv({"一店一码": held.code, "名称": "新店"}, shop(world, 1))
    assert post(client, user, content).json()["errors"] == []

    def late(*args: Any, **more: Any) -> None:
        BusinessEntity.objects.filter(pk=held.pk).update(version=F("version") + 1)  # somebody's edit
        write(*args, **more)

    monkeypatch.setattr(importing, "write", late)
    refused = post(client, user, content, dry_run=False)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "changed_meanwhile")
    assert list(BusinessEntity.objects.values_list("name", flat=True)) == ["老店"]


def test_persons_are_masked_in_the_journal_whatever_the_kind(world: World, client: Client) -> None:
    user = world.user("bureau")
    stall = make_entity(world, 1, name="水果摊", uscc="", kind="STALL", operator_name="张三丰")
    row = {"一店一码": stall.code, "名称": "水果摊", "经营者": "李四光", "备注": "找13812345678"}
    row |= {"证照类型": "作业人员证", "证照编号": "370983198001011234", "有效期至": "长期"}
    carried(client, user, as_csv(row))
    told = Entry.objects.filter(stream=f"entity:{stall.pk}").latest("seq").data
    changes = told["changes"]
    assert [one["number"] for one in told["licences"]] == ["370983********1234"]
    assert changes["operator_name"] == {"from": "张**", "to": "李**"}
    assert changes["remark"]["to"] == "找138****5678"


def test_many_rows_in_few_bytes_wait_for_a_worker(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SOON_ROWS", 1)
    assert post(client, world.user("bureau"), as_csv(shop(world, 1), shop(world, 2))).status_code == 202


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"名称": ""}, "no_name", "名称"),
    ({"名称": "长" * 121}, "too_long", "名称"),
    ({"统一社会信用代码": "92370983MA3ABC1D7X"}, "bad_uscc", "统一社会信用代码"),
    ({"主体类型": "神仙"}, "unknown_kind", "主体类型"),
    ({"业态": "餐饮；飞船"}, "unknown_business_types", "业态"),
    ({"校园周边": "也许"}, "not_yes_or_no", "校园周边"),
    ({"联系电话": "打我呀"}, "bad_phone", "联系电话"),
    ({"成立日期": "2020-02-30"}, "bad_day", "成立日期"),
    ({"纬度": ""}, "half_a_place", "纬度"),
    ({"经度": "36.1", "纬度": "116.7"}, "bad_place", "经度"),
    ({"坐标系": "西安80"}, "bad_crs", "坐标系"),
    ({"网格": "没有的网格"}, "unknown_grid", "网格"),
    ({"社区": "没有的社区"}, "unknown_community", "社区"),
    ({"状态": "飞走"}, "unknown_status", "状态"),
    ({"一店一码": "NOSUCHCODE"}, "unknown_code", "一店一码"),
    ({"证照编号": "A1"}, "licences_differ", "证照编号"),
    ({"证照类型": "营业执照；飞行执照"}, "unknown_licence_types", "证照类型"),
    ({"有效期至": "长期；明天"}, "bad_day", "有效期至"),
]


def test_every_bad_row_is_named_and_nothing_is_written(world: World, client: Client) -> None:
    rows = [shop(world, 100 + n, **bad) for n, (bad, _, _) in enumerate(WRONG)]
    twice = [shop(world, 200), shop(world, 201), shop(world, 200, 名称="又一家")]
    content = as_csv(*rows, *twice)
    tried = post(client, world.user("bureau"), content)
    assert tried.status_code == 200
    errors = tried.json()["errors"]
    assert [(one["row"], one["code"], one["column"]) for one in errors] == [
        *((n, code, column) for n, (_, code, column) in enumerate(WRONG, start=2)),
        (len(rows) + 4, "doubled", "统一社会信用代码"),
    ]
    assert all(one["detail"].endswith("。") for one in errors)
    refused = post(client, world.user("bureau"), content, dry_run=False)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["attr"] == "file"
    assert len(refused.json()["errors"]) == len(errors)
    assert not BusinessEntity.objects.exists()
    assert not Entry.objects.filter(kind="entity.imported").exists()
    file = ImportFile.objects.get(state="REFUSED")
    sheet = client.get(
        f"/api/v1/entities/imports/{file.pk}/errors.xlsx", headers=bearer(world.user("bureau"))
    )
    table = load_workbook(io.BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert len(table) == len(errors) + 1
    assert table[0] == ["行号", "列", "填写内容", "原因"]


def test_two_hundred_bad_rows_of_eleven_thousand(world: World, client: Client) -> None:
    rows = [shop(world, n, grid=n % 21 + 1) for n in range(11_000)]
    for n in range(0, 11_000, 55):
        rows[n]["统一社会信用代码"] = "92370983MA3ABC1D7X"
    answer = post(client, world.user("bureau"), as_csv(*rows)).json()
    assert (answer["rows"], answer["created"], len(answer["errors"])) == (11_000, 10_800, 200)
    assert [one["row"] for one in answer["errors"]] == list(range(2, 11_002, 55))
    assert {one["code"] for one in answer["errors"]} == {"bad_uscc"}
    user = world.user("bureau")
    refused = post(client, user, as_csv(*rows), dry_run=False)
    assert (refused.status_code, len(refused.json()["errors"])) == (422, 200)
    assert not BusinessEntity.objects.exists()
    path = f"/api/v1/entities/imports/{refused.json()['id']}/errors.xlsx"
    content = client.get(path, headers=bearer(user)).content
    table = load_workbook(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert len(table) == 201
    assert table[1] == [2.0, "统一社会信用代码", "92370983MA3ABC1D7X", refused.json()["errors"][0]["detail"]]


@pytest.mark.parametrize("bad", [0, 4, 8])
def test_rows_that_were_written_before_an_error_was_read_are_taken_back(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch, bad: int
) -> None:
    monkeypatch.setattr(importing_plan, "AT_ONCE", 3)
    held = make_entity(world, 1, name="老店")
    rows = [{"一店一码": held.code, "名称": "新店"}, *(shop(world, n) for n in range(9))]
    rows[bad + 1]["联系电话"] = "打我呀"
    content, user = as_csv(*rows), world.user("bureau")
    tried = post(client, user, content).json()
    assert (tried["created"], tried["updated"]) == (8, 1)
    refused = post(client, user, content, dry_run=False)
    assert refused.status_code == 422
    assert [(one["row"], one["code"]) for one in refused.json()["errors"]] == [(bad + 3, "bad_phone")]
    assert list(BusinessEntity.objects.values_list("name", flat=True)) == ["老店"]
    assert not Entry.objects.filter(kind="entity.imported").exists()


def test_nothing_is_asked_while_new_rows_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read while the server takes the ones before: it answers no question then."""
    monkeypatch.setattr(importing_plan, "AT_ONCE", 3)
    rows = [shop(world, n, grid=n % 21 + 1) for n in range(7)]
    rows += [
        {"名称": "路边摊", "社区": world.communities[-1].name},
        {"名称": "远处", "经度": 116.0, "纬度": 36.0},
    ]
    sheet = sheets.read(as_csv(*rows, shop(world, 1)), COLUMNS)
    reading = importing_plan.Reading(sheet, scope_of(world.user("bureau")))
    with CaptureQueriesContext(connection) as seen:
        first = [next(reading.new).row, next(reading.new).row]
        rest = [one.row for one in reading.new]
    assert (first, rest, len(seen)) == ([2, 3], list(range(4, 11)), 0)
    assert reading.most_new >= 9
    assert [(one.row, one.code) for one in reading.plan().errors] == [(11, "doubled")]
    assert len(reading.plan().created) == 9


def test_an_office_imports_for_its_grids_only(world: World, client: Client) -> None:
    clerk = world.clerk_of(1)
    near, far = shop(world, 1, 1), shop(world, 2, 21)
    answer = post(client, clerk, as_csv(near, far)).json()
    assert [(one["row"], one["code"]) for one in answer["errors"]] == [(3, "not_yours")]
    carried(client, clerk, as_csv(near))
    theirs = make_entity(world, 21, name="别所的店")
    answer = post(client, clerk, as_csv({"一店一码": theirs.code, "名称": "抢过来"})).json()
    assert answer["errors"][0]["code"] == "not_yours"
    for username in ("worker-01-1", "commissioner-01", "auditor", "admin", "section-food", "duty-01"):
        assert post(client, world.user(username), as_csv(near)).status_code == 403, username
    assert post(client, world.user("section-registration"), as_csv(near)).status_code == 200
    mine = client.get("/api/v1/entities/imports/", headers=bearer(clerk)).json()["results"]
    assert {one["by"] for one in mine} == {clerk.username}
    assert mine[0]["errors"] == 1
    other = client.get(f"/api/v1/entities/imports/{mine[0]['id']}/", headers=bearer(world.clerk_of(21)))
    assert other.status_code == 404


def test_a_large_file_waits_for_a_worker(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SOON_BYTES", 10)
    user = world.user("bureau")
    content = as_csv(*(shop(world, n) for n in (1, 2)))
    waiting = post(client, user, content)
    assert (waiting.status_code, waiting.json()["state"]) == (202, "WAITING")
    assert importing.carry_on() == 1
    assert importing.carry_on() == 0
    path = f"/api/v1/entities/imports/{waiting.json()['id']}/"
    tried = client.get(path, headers=bearer(user)).json()
    assert (tried["state"], tried["done_rows"], tried["rows"], tried["created"]) == ("TRIED", 2, 2, 2)
    real = importing.confirm(tried=ImportFile.objects.get(), by=user, at=clock.now())
    ImportFile.objects.filter(pk=real.pk).update(state="RUNNING")  # its worker died
    assert importing.carry_on() == 1
    real.refresh_from_db()
    assert (real.state, real.created, real.stored) == ("DONE", 2, "")
    assert importing.forget(clock.now()) == 0
    assert importing.forget(clock.now() + timedelta(days=8)) == 1
    importing.settle_search()


def test_a_file_on_which_reading_fails_stops_none_behind_it(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SOON_BYTES", 10)
    for n in (1, 2):
        assert post(client, world.user("bureau"), as_csv(shop(world, n))).status_code == 202
    first, second = ImportFile.objects.order_by("id")
    real = importing.run

    def fails_once(file: ImportFile, sheet: sheets.Sheet) -> None:
        if file.pk == first.pk:
            raise RuntimeError("a fault of ours")
        real(file, sheet)

    monkeypatch.setattr(importing, "run", fails_once)
    assert importing.carry_on() == 2
    for one in (first, second):
        one.refresh_from_db()
    assert (first.state, second.state) == ("REFUSED", "TRIED")
    assert first.errors[0]["code"] == "unreadable"


def test_what_broke_off_is_marked(world: World) -> None:
    at = clock.now() - timedelta(hours=1)
    broken = ImportFile.objects.create(target="REGISTER", name="x", state="RUNNING", at=at)
    importing.carry_on()
    broken.refresh_from_db()
    assert (broken.state, broken.finished_at is not None) == ("REFUSED", True)


def test_an_import_takes_as_many_statements_for_a_thousand_rows_as_for_ten(
    world: World, client: Client
) -> None:
    user = world.user("bureau")
    counts = []
    for first, count in ((0, 10), (1_000, 1_000)):
        content = as_csv(*(shop(world, first + n) for n in range(count)))
        with CaptureQueriesContext(connection) as seen:
            carried(client, user, content)
        counts.append(len(seen))
    assert counts[1] <= counts[0]


@pytest.mark.parametrize(
    "cells",
    [
        {"名称": '\\"},{NULL'},
        {"名称": "a\u202eb\u0007c"},
        {"名称": "=cmd|' /C calc'!A0"},
        {"名称": "店", "经营地址": '",\\"'},
        {"名称": "店", "经度": "nan", "纬度": "nan"},
        {"名称": "店", "经度": "inf", "纬度": "-inf"},
        {"名称": "店", "经度": "1e400", "纬度": "36.1"},
        {"名称": "店", "统一社会信用代码": "９２３７０９８３ＭＡ３ＡＢＣ１Ｄ７Ｂ"},
        {"名称": "店", "统一社会信用代码": "①" * 15},
        {"名称": "店", "一店一码": "ßßßßßßßßßßßß"},
        {"名称": "店", "成立日期": "9999-99-99"},
        {"名称": "店", "成立日期": "٢٠٢٠-٠١-٠١"},
        {"名称": "店", "联系电话": "（）（）（）"},
        {"名称": "店", "证照类型": "；；", "证照编号": "；；", "有效期至": "；；"},
        {"名称": "店", "业态": "、、、"},
        {"名称": "店", "网格": "{}", "社区": "\\"},
        {"名称": "店\ud800".encode("utf-8", "ignore").decode(), "备注": "x" * 5_000},
    ],
)
def test_strange_cells_are_taken_or_refused_never_an_error_of_ours(
    world: World, client: Client, cells: dict[str, Any]
) -> None:
    user, content = world.user("bureau"), as_csv(cells)
    tried = post(client, user, content)
    assert tried.status_code == 200
    errors = tried.json()["errors"]
    assert post(client, user, content, dry_run=False).status_code == (422 if errors else 200)
    assert BusinessEntity.objects.count() == (0 if errors else 1)
    if not errors:
        again = post(client, user, content).json()
        assert (again["unchanged"], again["created"], again["updated"]) == (1, 0, 0)


def test_a_broken_upload_is_refused(world: World, client: Client) -> None:
    user = world.user("bureau")
    assert post(client, user, b"PK\x03\x04x").status_code == 422
    assert post(client, user, b"\0").status_code == 415
    assert post(client, user, b"x" * (sheets.MOST_BYTES + 1)).status_code == 413
    assert not ImportFile.objects.exists()
    assert (
        client.post("/api/v1/entities/import/", {"dry_run": "true"}, headers=bearer(user)).status_code == 400
    )


def test_the_register_as_a_sheet_by_filter(world: World, client: Client) -> None:
    make_entity(world, 1, name="导出店", operator_name="张三丰")
    make_entity(world, 21, name="别处店")
    headers = bearer(world.user("bureau"))
    answer = client.get("/api/v1/entities/export.xlsx", {"q": "导出"}, headers=headers)
    table = load_workbook(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert [row[1] for row in table] == ["名称", "导出店"]
    assert table[1][6] == "张**"
    mine = client.get("/api/v1/entities/export.xlsx", headers=bearer(world.worker(21)))
    table = load_workbook(io.BytesIO(mine.content)).get_sheet_by_index(0).to_python()
    assert [row[1] for row in table] == ["名称", "别处店"]
    template = client.get("/api/v1/entities/import-template.xlsx", headers=headers)
    assert sheets.read(template.content, COLUMNS).rows[0][1][1] == "顺和饭店"


def test_a_file_and_a_question_that_waits(world: World, client: Client) -> None:
    """What was asked is completed by a row that brings it; one that says otherwise is refused."""
    user, worker = world.clerk_of(1), world.worker(1)
    carried(client, user, as_csv(*(shop(world, n) for n in (1, 2, 3))))
    entities = {entity.name: entity for entity in BusinessEntity.objects.all()}

    def ask(number: int, **changes: str) -> KeyChange:
        entity = entities[f"导入饭店{number}"]
        asked = register.edit(entity_id=entity.pk, by=worker, expect=lambda _: None, changes=changes)
        assert asked.waiting is not None
        return asked.waiting

    meant, other, both = (
        ask(1, name="新招牌一"),
        ask(2, name="新招牌二"),
        ask(3, name="三", status="SUSPENDED"),
    )
    against = as_csv(shop(world, 1), shop(world, 2, 名称="别的招牌"), shop(world, 3, 名称="三"))
    errors = post(client, user, against).json()["errors"]
    assert [(one["row"], one["code"]) for one in errors] == [(3, "question_waits"), (4, "question_waits")]
    assert "新招牌二" in errors[0]["detail"]
    told = carried(client, user, as_csv(shop(world, 1, 名称="新招牌一"), shop(world, 2, 联系电话="")))
    assert (told["updated"], told["unchanged"]) == (1, 1)
    for row, state in ((meant, "WITHDRAWN"), (other, "WAITING"), (both, "WAITING")):
        row.refresh_from_db()
        assert row.state == state
    assert meant.note == "导入的登记信息与申请一致"
    assert Approval.objects.of("entity", meant.entity_id).waiting().count() == 0
    assert Approval.objects.of("entity", other.entity_id).waiting().count() == 1
    assert BusinessEntity.objects.get(pk=meant.entity_id).name == "新招牌一"


def test_a_file_does_not_open_what_was_judged_to_be_another(world: World, client: Client) -> None:
    user = world.clerk_of(1)
    carried(client, user, as_csv(*(shop(world, n, 状态="在营") for n in (1, 2))))
    first, second = BusinessEntity.objects.order_by("pk")
    pair = DuplicatePair.objects.create(first=first, second=second, why="联系电话相同", found_at=clock.now())
    duplicates.judge(pair_id=pair.pk, by=user, same=True)
    errors = post(client, user, as_csv(shop(world, 2, 状态="在营"))).json()["errors"]
    assert [(one["row"], one["code"]) for one in errors] == [(2, "same_as_another")]
    assert "导入饭店1" in errors[0]["detail"]
    assert post(client, user, as_csv(shop(world, 2))).json()["errors"] == []
