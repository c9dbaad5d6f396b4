"""`GET reports/sla/` and `reports/sla.xlsx`: shape, refusals, rights, and that both say the same."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from grids.access import scope_of, within
from grids.models import Grid
from kernel import clock
from reports import kpi, nightly, sheet
from reports.models import SlaReport
from tests.factories.accounts import bearer, make_user
from tests.factories.reports import DAY, move_to
from tests.reports.day import Day
from tests.reports.test_by_hand import BY_HAND

pytestmark = pytest.mark.django_db

PATH = "/api/v1/reports/sla"
PEOPLE = [
    "office-02", "clerk-02", "deputy-02", "duty-02", "community-05", "vice-05", "commissioner-04",
    "worker-04-2", "street-02",
]  # fmt: skip


def get(day: Day, username: str, path: str = f"{PATH}/?date={DAY}") -> Any:
    return Client().get(path, headers=bearer(day.world.user(username)))


def test_the_bureau_gets_everything(day: Day, report: SlaReport) -> None:
    answer = get(day, "bureau")
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert {name: found["figures"][name] for name in kpi.COUNTS} == BY_HAND
    assert found["figures"]["response_on_time_rate"] == 0.5556
    assert found["figures"]["mature_closure_rate"] is None
    assert (found["figures"]["pending"], found["figures"]["overdue"]) == (7, 2)
    assert found["date"] == "2026-06-10"
    assert found["as_of"] == "2026-06-11T00:00:00+08:00"
    assert found["scope"] == "全局"
    assert [line["level"] for line in found["lines"]].count("grid") == 22
    assert found["recent"]["days"] == 7
    assert found["recent"]["figures"]["reported"] == 11
    assert len(found["recent"]["lines"]) == len(found["lines"]) == 1 + 4 + 17 + 22
    assert found["seal"] == {
        "number": report.seal_id,
        "hash": report.seal.hash,
        "entries": report.seal.entries,
        "sealed_at": report.seal.sealed_at.astimezone(clock.SHANGHAI).isoformat(),
    }
    late, on_desk = found["overdue"]
    assert late == {
        "lead": day.leads["I"].pk,
        "number": day.leads["I"].number,
        "category": "无照经营",
        "grid": day.world.grid(4).code,
        "grid_name": day.world.grid(4).name,
        "office": day.world.office_of(4).name,
        "owner": day.world.commissioner(4).name,
        "clock": "respond",
        "cycle": 1,
        "due_at": "2026-06-10T22:30:00+08:00",
        "hours_late": 1.5,
    }
    assert (on_desk["clock"], on_desk["grid"], on_desk["owner"]) == ("desk", "", "")
    assert {one["lead"]: one["silent"] for one in found["orders"]} == {
        day.leads["B"].pk: [],
        day.leads["I"].pk: ["office", "community"],
        day.leads["K"].pk: ["office", "community"],
    }


def test_the_paragraph_says_the_numbers(day: Day, report: SlaReport) -> None:
    assert get(day, "leader").json()["text_zh"] == (
        "2026年6月10日（星期三），全局上报问题线索10件，其中上报时现场已改正1件，截至当日24时已办结4件，办结率40.00%（4/10）。"
        "响应及时率55.56%（5/9），反馈及时率100.00%（5/5），按时办结率100.00%（4/4），返工率20.00%（1/5）。"
        "当日发现食品安全线索3件，当日处置率66.67%（2/3），其中20时后发现2件、当日处置1件。"
        "转人工派单2件，其中2件超过派单时限。"
        "当日发出督办单3张，其中升级局级督办1张、已解除1张。"
        "当日24时在办线索7件，其中2件有超时未办事项。"
        "近7日上报11件，响应及时率60.00%（6/10），反馈及时率83.33%（5/6），当日处置率66.67%（2/3）。"
    )


def test_a_quiet_place_has_a_quiet_paragraph(day: Day, report: SlaReport) -> None:
    found = get(day, "worker-10-1").json()
    assert found["text_zh"] == (
        f"2026年6月10日（星期三），{day.world.grid(10).name}（{day.world.grid(10).code}）没有新上报问题线索。"
        "当日24时没有在办线索。"
    )
    assert {found["figures"][name] for name in kpi.RATES} == {None}


def test_without_a_date_the_newest_and_both_slashes(day: Day, report: SlaReport) -> None:
    move_to("24:11", DAY + timedelta(days=1))
    nightly.make_up()
    for path in (PATH, f"{PATH}/"):
        assert get(day, "bureau", path).json()["date"] == "2026-06-11"
    for path in (f"{PATH}.xlsx", f"{PATH}.xlsx/"):
        assert get(day, "bureau", path).status_code == 200


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    ["", "yesterday", "2026-13-01", "2026-02-30", "20260610", "2026-6-10", "٢٠٢٦-٠٦-١٠", "2026-06-10\x00"],
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}.xlsx"])
def test_a_date_that_is_none_is_refused(day: Day, said: str, path: str) -> None:
    answer = Client().get(path, {"date": said}, headers=bearer(day.world.user("bureau")))
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["code"], error["attr"]) == ("invalid_date", "date")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("2026-06-11", "在次日00:10后生成"),
        ("2999-01-01", "在次日00:10后生成"),
        ("2020-01-01", "没有2020年1月1日"),
    ],
)
def test_a_date_without_a_report_is_not_found_and_says_why(
    day: Day, report: SlaReport, said: str, words: str
) -> None:
    for path in (f"{PATH}?date={said}", f"{PATH}.xlsx?date={said}"):
        answer = get(day, "bureau", path)
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["code"] == "no_report"
        assert words in answer.json()["errors"][0]["detail"]


def test_without_a_token_nobody(report: SlaReport) -> None:
    for path in (PATH, f"{PATH}/", f"{PATH}.xlsx"):
        assert Client().get(path).status_code == 401


# --- rights -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["admin", "keeper", "police", "citymgmt"])
def test_who_answers_for_no_place_is_refused(day: Day, report: SlaReport, username: str) -> None:
    for path in (PATH, f"{PATH}.xlsx"):
        answer = get(day, username, path)
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["code"] == "no_report_for_role"


def test_without_a_posting_nobody(report: SlaReport) -> None:
    assert Client().get(PATH, headers=bearer(make_user())).status_code == 403


@pytest.mark.parametrize("username", ["bureau", "bureau-02", "leader", "auditor"])
def test_who_sees_all_sees_every_line(day: Day, report: SlaReport, username: str) -> None:
    found = get(day, username).json()
    assert len(found["lines"]) == 44
    assert len(found["overdue"]) == 2


@pytest.mark.parametrize(
    "username",
    [
        "office-02",
        "clerk-02",
        "deputy-02",
        "duty-02",
        "community-05",
        "vice-05",
        "commissioner-04",
        "worker-04-2",
        "street-02",
    ],
)
def test_each_sees_the_lines_of_his_own_places_and_no_others(
    day: Day, report: SlaReport, username: str
) -> None:
    found = get(day, username).json()
    scope = scope_of(day.world.user(username))
    grids = {grid.code for grid in Grid.objects.filter(within(scope, ""))}
    assert 0 < len(grids) < 21
    assert {line["code"] for line in found["lines"] if line["level"] == "grid"} == grids
    offices = {line["name"] for line in found["lines"] if line["level"] == "office"}
    communities = {line["name"] for line in found["lines"] if line["level"] == "community"}
    assert {line["level"] for line in found["lines"]} - {"office", "community", "grid"} == set()
    kind = username.split("-")[0]
    assert offices == (
        {day.world.offices[1].name} if kind in ("office", "clerk", "deputy", "duty") else set()
    )
    if kind in ("community", "vice"):
        assert communities == {day.world.communities[4].name}
    elif kind == "street":
        assert len(scope.subdistrict_ids) == 2  # his own, and the one he backs
        inside = {c.name for c in day.world.communities if c.subdistrict_id in scope.subdistrict_ids}
        assert communities == inside
    else:
        assert communities == set()
    assert {one["grid"] for one in [*found["overdue"], *found["orders"]]} <= grids
    own = [line for line in found["lines"] if line["level"] == "grid"]
    assert found["figures"]["reported"] == sum(line["reported"] for line in own)


def test_the_late_lead_is_told_to_its_office_and_not_to_another(day: Day, report: SlaReport) -> None:
    mine = day.world.offices.index(day.world.office_of(4)) + 1
    other = next(n for n in range(1, 5) if n != mine)
    assert [one["lead"] for one in get(day, f"office-{mine:02d}").json()["overdue"]] == [day.leads["I"].pk]
    assert get(day, f"office-{other:02d}").json()["overdue"] == []


def test_a_section_sees_the_bureaus_totals_and_no_lead(day: Day, report: SlaReport) -> None:
    found = get(day, "section-food").json()
    assert [line["level"] for line in found["lines"]] == ["bureau"]
    assert found["figures"]["reported"] == 10
    assert found["overdue"] == found["orders"] == []


# --- workbook -----------------------------------------------------------------------------------------


def test_the_workbook_opens_and_says_what_the_json_says(day: Day, report: SlaReport) -> None:
    answer = get(day, "bureau", f"{PATH}.xlsx?date={DAY}")
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == sheet.XLSX
    assert "filename*=utf-8''%E6%89%80%E7%A4%BE" in answer["Content-Disposition"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(answer.streaming_content)))
    told = get(day, "bureau").json()
    assert book.sheet_names == ["概况", "网格", "监管所", "社区", "超时清单", "督办单", "部门报到"]
    overview = {row[0]: row[1:] for row in book.get_sheet_by_name("概况").to_python() if row}
    assert overview["留痕封存值"][0] == told["seal"]["hash"]
    assert overview["综述"][0] == told["text_zh"]
    for name, label in sheet.FIGURES.items():
        assert _number(overview[label][0]) == told["figures"][name], label
    for title, level in (("网格", "grid"), ("监管所", "office"), ("社区", "community")):
        _compare_lines(book.get_sheet_by_name(title).to_python(), told, level)
    late = book.get_sheet_by_name("超时清单").to_python()
    assert [(row[0], row[5], row[6], row[8]) for row in late[1:]] == [
        (told["overdue"][0]["number"], told["overdue"][0]["owner"], "接单", 1.5),
        (told["overdue"][1]["number"], "—", "派单", 0.8),
    ]
    orders = book.get_sheet_by_name("督办单").to_python()
    assert [row[1] for row in orders[1:]] == [one["number"] for one in told["orders"]]
    assert [row[-1] for row in orders[1:]] == [
        "、".join({"office": "所方", "community": "社方"}[s] for s in one["silent"]) or "—"
        for one in told["orders"]
    ]


def _number(cell: Any) -> Any:
    return None if cell == "—" else cell


def _compare_lines(rows: list[list[Any]], told: dict[str, Any], level: str) -> None:
    head, body = rows[0], [row for row in rows[1:] if row[0] in ("当日", "近7日")]
    assert head == ["统计期", "编码", "名称", *sheet.FIGURES.values()]
    lines = [line for line in told["lines"] + told["recent"]["lines"] if line["level"] == level]
    assert len(body) == len(lines) > 0
    for row, line in zip(body, lines, strict=True):
        assert (row[1], row[2]) == (line["code"] or "—", line["name"])
        assert [_number(cell) for cell in row[3:]] == [line[name] for name in sheet.FIGURES]


def test_the_workbook_is_scoped_too_and_holds_no_formula(day: Day, report: SlaReport) -> None:
    answer = get(day, "office-03", f"{PATH}.xlsx?date={DAY}")
    content = b"".join(answer.streaming_content)
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    names = {row[2] for row in book.get_sheet_by_name("监管所").to_python()[1:]}
    assert names == {day.world.offices[2].name}
    assert sheet.OPTIONS["strings_to_formulas"] is False


def test_reading_takes_few_statements(
    day: Day, report: SlaReport, django_assert_max_num_queries: Any
) -> None:
    headers = bearer(day.world.user("office-01"))
    with django_assert_max_num_queries(8):
        assert Client().get(PATH, headers=headers).status_code == 200
