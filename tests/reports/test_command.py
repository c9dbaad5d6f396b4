"""`manage.py sla_report`."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from reports.models import SlaReport
from tests.factories.grids import make_world
from tests.factories.leads import reported
from tests.factories.reports import DAY, move_to

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = io.StringIO()
    call_command("sla_report", *args, stdout=out)
    return out.getvalue()


def test_it_says_what_is_missing_makes_it_up_and_shows_a_day() -> None:
    move_to("09:00")
    assert "没有缺漏的日报" in run()
    reported(make_world(), 1)
    move_to("09:00", DAY + timedelta(days=3))
    assert "2026-06-10、2026-06-11、2026-06-12 尚未生成" in run()
    said = run("--date", "2026-06-10")
    assert "2026-06-10 日报已生成" in said
    assert "2026年6月10日（星期三），全局上报问题线索1件，截至当日24时均未办结" in said
    assert SlaReport.objects.count() == 1
    assert run("--catch-up").split() == ["2026-06-11", "日报已生成", "2026-06-12", "日报已生成"]
    assert run("--catch-up") == ""


def test_a_day_that_is_not_over_or_was_before_the_first_lead_has_none() -> None:
    move_to("09:00")
    reported(make_world(), 1)
    for said, words in (("2026-06-10", "次日00:10后"), ("2026-06-01", "没有线索上报")):
        with pytest.raises(CommandError, match=words):
            run("--date", said)
    with pytest.raises(CommandError, match="YYYY-MM-DD"):
        run("--date", "yesterday")
