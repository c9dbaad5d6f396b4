"""The report in words: what stands beside the rates, what citizens heard, and nothing that is not there."""

from __future__ import annotations

from datetime import date

from reports import kpi, wording
from reports.wording import Told

DAY = date(2026, 6, 10)


def said(**counts: int) -> str:
    day = {**kpi.total([]), **counts}
    return wording.summary(DAY, Told("全局", day, kpi.total([]), pending=0, overdue=0))


def test_the_closure_rate_is_that_of_the_table() -> None:
    text = said(reported=5, rejected=1, handed_over=1, closure_counted=3, closed=3)
    assert "上报问题线索5件，截至当日24时已办结3件，办结率100.00%（3/3）。" in text
    assert "退单1件，已移交1件。" in text


def test_a_rate_of_nothing_is_left_out() -> None:
    text = said(reported=1, merged=1)
    assert "上报问题线索1件，截至当日24时均未办结。" in text
    assert "率" not in text


def test_what_citizens_heard_and_think() -> None:
    text = said(reported=4, closure_counted=4, answers_owed=3, answered=2, surveys=3, rated=2, satisfied=1)
    assert (
        "应回复反映人3件，回复率66.67%（2/3），满意度回访3件，评价率66.67%（2/3），满意率50.00%（1/2）。"
        in text
    )


def test_silence_is_no_rating() -> None:
    text = said(reported=1, closure_counted=1, surveys=1)
    assert "满意度回访1件，评价率0.00%（0/1）。" in text
    assert "满意率" not in text


def test_departments_that_were_late_are_named() -> None:
    assert wording.departments_late([]) == ""
    assert wording.departments_late(["公安", "消防"]) == "当日吹哨后未按时回应或到场的部门：公安、消防。"
