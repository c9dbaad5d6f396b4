"""Reports in the admin: who sees what, the page, the workbook, making up."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse, reverse_lazy

from reports.models import SlaReport
from tests.factories.reports import DAY, move_to
from tests.reports.day import Day
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db

LIST = "/admin/reports/slareport/"
MAKE_UP = reverse_lazy("admin:reports_slareport_make_up")


def signed_in(day: Day, username: str) -> Client:
    client = Client()
    client.force_login(day.world.user(username))
    return client


def test_the_page_shows_figures_chart_overdue_and_orders(day: Day, report: SlaReport) -> None:
    html = signed_in(day, "bureau").get(f"{LIST}{report.pk}/change/").content.decode()
    for words in (
        "2026年6月10日（星期三）运行日报（全局）",
        "55.56%",
        "<svg role",
        day.leads["I"].number,
        "所方、社方",
        report.seal.hash,
        "未匹配网格",
    ):
        assert words in html
    assert outside_in(html) == []
    plain = re.compile(r"XS[0-9-]+|370983[0-9SLC-]+|[0-9a-f]{64}|esc|bureau")
    assert [text for text in english_in(html) if not plain.fullmatch(text)] == []


def test_the_list_shows_each_his_own_figures(day: Day, report: SlaReport) -> None:
    assert ">10<" in signed_in(day, "bureau").get(LIST).content.decode()
    html = signed_in(day, "commissioner-04").get(LIST).content.decode()
    assert "2026年6月10日" in html
    assert ">10<" not in html


def test_another_office_sees_none_of_it(day: Day, report: SlaReport) -> None:
    mine = day.world.offices.index(day.world.office_of(4)) + 1
    other = next(n for n in range(1, 5) if n != mine)
    page = signed_in(day, f"office-{other:02d}").get(f"{LIST}{report.pk}/change/").content.decode()
    assert day.leads["I"].number not in page
    assert day.world.office_of(4).name not in page


@pytest.mark.parametrize("username", ["admin", "police", "keeper"])
def test_who_has_no_line_has_no_page(day: Day, report: SlaReport, username: str) -> None:
    client = signed_in(day, username)
    for path in (
        LIST,
        f"{LIST}{report.pk}/change/",
        reverse("admin:reports_slareport_download", args=[report.pk]),
    ):
        assert client.get(path).status_code in (302, 403)


def test_nobody_adds_changes_or_deletes(day: Day, report: SlaReport) -> None:
    client = signed_in(day, "bureau")
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{report.pk}/delete/", {"post": "yes"}).status_code == 403
    assert SlaReport.objects.filter(pk=report.pk).exists()


def test_the_workbook_comes_from_the_page(day: Day, report: SlaReport) -> None:
    answer = signed_in(day, "office-01").get(
        reverse("admin:reports_slareport_download", args=[report.pk]), follow=True
    )
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content)[:2] == b"PK"


def test_the_bureau_makes_up_what_is_missing_and_nobody_else(day: Day, report: SlaReport) -> None:
    move_to("09:00", DAY + timedelta(days=3))
    for username in ("auditor", "office-01", "leader"):
        assert signed_in(day, username).post(MAKE_UP, follow=True).status_code == 403
    client = signed_in(day, "bureau")
    asked = client.get(MAKE_UP, follow=True).content.decode()
    assert "2026-06-11、2026-06-12" in asked
    done = client.post(MAKE_UP, follow=True).content.decode()
    assert "已补做2日的日报" in done
    assert "无需补做" in client.post(MAKE_UP, follow=True).content.decode()


def test_the_other_lists_open(day: Day, report: SlaReport) -> None:
    client = signed_in(day, "bureau")
    for path in ("/admin/reports/reportrun/", "/admin/reports/dailygridstat/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert outside_in(answer.content.decode()) == []
    row = signed_in(day, "worker-01-1")
    assert row.get("/admin/reports/dailygridstat/").status_code in (302, 403)
