"""The explanation reads like something one could hand to the shop's owner, down to the fact and the date."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given

from credit import grading
from credit.explaining import AppealTerms, Case, Explanation, Standing, explain, tell
from credit.facts import Fact
from credit.models import CreditAssessment, CreditScheme, CreditStanding
from credit.outlook import forecast
from credit.scheme import DEFAULT
from credit.scoring import score
from credit.wording import day
from grids.demo import World
from grids.models import BusinessEntity, Equipment, Licence
from kernel.clock import local_date
from tests.credit.test_scoring import facts
from tests.credit.test_worked_examples import EXAMPLES, example
from tests.factories.credit import DAY, Story, keep
from tests.factories.grids import make_entity
from tests.factories.leads import TUESDAY

APPEAL = AppealTerms(DAY, 15, 15)


def told(story: Story | list[Fact], **changed: Any) -> Explanation:
    columns: dict[str, Any] = {"on": DAY, "filed_on": DAY - timedelta(days=400), "appeal": APPEAL, **changed}
    return tell(Case("桃都小馆", tuple(story), DEFAULT, **columns))


def section(explanation: Explanation, code: str) -> str:
    return next(part.text for part in explanation.sections if part.code == code)


def test_a_serious_finding_that_ran_out() -> None:
    story = Story()
    story.patrol()
    ref = story.add("FINDING", "SERIOUS", "lead:42:1", on=date(2026, 9, 3), what="后厨卫生、虫鼠害")
    story.add("RECTIFICATION_ORDERED", "SERIOUS", ref, on=date(2026, 9, 3), until=date(2026, 9, 10))
    story.add("RECTIFICATION_OVERDUE", "SERIOUS", ref, on=date(2026, 9, 11))
    found = told(story)
    assert section(found, "I3") == (
        "日常巡查：15分扣6分，得9分。"
        "2026年9月3日发现“后厨卫生、虫鼠害”（严重），未按期整改，扣6分，计入至2027年3月2日。"
    )
    assert section(found, "I4") == (
        "整改落实：15分扣15分，得0分。近12个月应完成整改1项，按期完成0项。"
        "2026年9月3日责令的“后厨卫生、虫鼠害”整改（期限2026年9月10日）逾期未完成，按比例扣15分，"
        "计入至2027年9月10日。"
    )
    assert section(found, "CAP") == (
        "等级封顶：“后厨卫生、虫鼠害”属严重以上问题，整改已逾期，完成整改前最高为C级。"
    )
    assert "尽快完成逾期的整改并接受复查" in section(found, "OUTLOOK")


def test_a_licence_a_report_and_an_appeal() -> None:
    story = Story()
    story.licence(left=20, number="JY1")
    story.report("LATE")
    found = told(story)
    assert section(found, "I1") == (
        "主体资质：12分扣1分，得11分。食品经营许可证（JY1）将于2026年12月13日到期，扣1分，"
        "计入至2026年12月13日，到期未换证的自次日起扣6分。"
    )
    assert section(found, "I2") == (
        "年报公示：8分扣4分，得4分。2025年度报告应于2026年6月30日前报送，逾期报送，扣4分，"
        "计入至下一次年报到期。"
    )
    assert "即2026年12月8日前（含当日）" in section(found, "APPEAL")
    assert "已于2026年12月8日届满" in section(told(story, on=date(2026, 12, 9)), "APPEAL")


def test_why_it_is_not_the_computed_grade_and_when_it_may_rise() -> None:
    stands = Standing("D", DAY - timedelta(days=85))
    found = section(told(example(7, Story()), standing=stands), "GRADE")
    assert found == (
        "执行等级：D级，自2026年8月30日起执行。测算得分93.00分，按得分为A级。"
        "测算等级A级高于执行等级，等级只在定期评定时上调，每次升一级。"
        "D级须至少停留90天，2026年11月28日期满。"
        "降为D级后责令的2项整改（后厨卫生、虫鼠害）尚未通过回头看。"
        "上述条件满足后，最早可在2026年12月1日的定期评定中升为C级。"
    )
    fell = section(told(example(5, Story()), standing=Standing("A", DAY)), "GRADE")
    assert "因列入严重违法失信名单，一票否决为D级" in fell
    assert "正在重新评定，执行等级将即时调整为D级" in fell
    assert section(told(example(4, Story())), "GRADE") == (
        "执行等级：尚未评定。测算得分81.50分，按得分为B级，因列入经营异常名录，封顶为C级。"
    )


def test_an_open_lead_is_told() -> None:
    story = example(7, Story())
    story.add("LEAD_OPENED", "", "lead:9")
    grade = section(told(story, standing=Standing("D", DAY - timedelta(days=20))), "GRADE")
    assert "尚有1件问题线索未办结。" in grade


def test_when_the_points_come_back_by_themselves() -> None:
    story = Story()
    story.patrol()
    story.times(2, "COMPLAINT", "SUBSTANTIATED", ago=100)
    story.add("PENALTY", "ORDINARY", ago=200)
    found = story.score()
    ahead = forecast(story, DEFAULT, found, on=DAY, filed_on=story.long_ago)
    assert found.grade == "B"
    assert ahead is not None
    assert (ahead.on, str(ahead.score.total)) == (date(2027, 8, 15), "92.00"), "when the complaints run out"
    story.times(2, "PLEDGE", ago=10)
    ahead = forecast(story, DEFAULT, story.score(), on=DAY, filed_on=story.long_ago)
    assert ahead is not None
    assert (ahead.on, ahead.score.grade) == (date(2027, 5, 7), "A")
    assert "测算等级最早于2027年5月7日升为A级" in section(told(story), "OUTLOOK")


@pytest.mark.parametrize("number", EXAMPLES)
def test_each_example_reads_well(number: int) -> None:
    text = told(example(number, Story()), standing=Standing("D", DAY - timedelta(days=95))).text
    for bad in ("None", "“”", "（）", "。。", "，，", "扣0分", "得-", "  "):
        assert bad not in text
    assert text.startswith("桃都小馆信用分类说明（2026年11月23日）\n执行等级：D级")


@given(facts())
def test_every_line_is_told_with_its_points_and_its_last_day(known: list[Fact]) -> None:
    found = told(known)
    for line in found.score.lines:
        part = next(part for part in found.sections if part.code == line.indicator)
        assert line.until is None or line.code == "V3" or day(line.until) in part.text
    sentences = sum(len(p.sentences) for p in found.sections if p.code not in ("GRADE", "OUTLOOK", "APPEAL"))
    assert sentences == len(found.score.lines), "one sentence a line"
    assert [part.points for part in found.sections if part.code[0] == "I"] == [
        str(points) for points in found.score.indicators
    ]


def test_nothing_but_two_words_of_a_fact_is_told() -> None:
    story = Story()
    story.add("COMPLAINT", "SUBSTANTIATED", what="退换货", number=7, phone="13812345678", name="张三丰")
    text = told(story).text
    assert "退换货" in text
    assert not {word for word in ("13812345678", "张三丰") if word in text}


@pytest.fixture
def graded(world: World) -> Any:
    """A restaurant in C for 10 days that earns A now."""
    entity = make_entity(world, filed_on=DAY - timedelta(days=400))
    on = local_date(TUESDAY)
    story = example(7, Story(on))
    keep(story, entity.pk)
    found = score(story, DEFAULT, on=on, filed_on=entity.filed_on)
    columns: dict[str, Any] = {
        "entity": entity,
        "scheme": CreditScheme.objects.get(),
        **{f"i{place}": points for place, points in enumerate(found.indicators, 1)},
        "total": found.total,
        "cause": found.cause,
        "computed_grade": found.grade,
        "effective_grade": "C",
    }
    since = {"effective_since": on - timedelta(days=10), "assessed_at": TUESDAY, "assessed_on": on}
    CreditStanding.objects.create(**columns, **since, held_by=["MIN_STAY", "ONE_STEP"])
    CreditAssessment.objects.create(**columns, trigger="FACT", previous_grade="D", at=TUESDAY, on=on)
    return entity


def test_it_is_read_in_five_statements(graded: Any) -> None:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        found = explain(graded, local_date(TUESDAY))
    assert len(seen) == 5
    assert found.effective == "C"
    assert "C级须至少停留60天，2026年4月29日期满。" in found.text
    assert "可自评定之日（2026年3月10日）起15日内，即2026年3月25日前" in found.text
    assert "在15个工作日内审核答复" in found.text


def test_it_says_what_the_grading_found(world: World) -> None:
    on = local_date(TUESDAY)
    entity = make_entity(world, filed_on=on - timedelta(days=400))
    Licence.objects.create(
        entity=entity, type="FOOD_OPERATION", number="JY1", expires_on=on - timedelta(days=1)
    )
    Equipment.objects.create(entity=entity, kind="ELEVATOR", number="D1", next_test_on=on - timedelta(days=1))
    keep(example(6, Story(on)), entity.pk)
    grading.regrade([entity.pk], at=TUESDAY, trigger="FACT")
    found, stands = explain(entity, on), CreditStanding.objects.get(entity=entity)
    assert (
        (found.effective, found.score.grade) == (stands.effective_grade, stands.computed_grade) == ("D", "D")
    )
    assert found.score.total == stands.total
    assert "食品经营许可证（JY1）已于2026年3月9日到期，扣6分，换证前持续计入。" in found.text
    assert "电梯（D1）应于2026年3月9日前检验检定，已超期，扣4分" in found.text


def test_who_is_gone_waits_for_no_grading(graded: Any) -> None:
    """A year later the cap of no patrol would hold: nothing is graded anew for who is gone."""
    BusinessEntity.objects.filter(pk=graded.pk).update(status="CLOSED")
    graded.refresh_from_db()
    text = explain(graded, local_date(TUESDAY) + timedelta(days=400)).text
    assert "该主体已不在营，不再评定" in text
    assert "正在重新评定" not in text
    assert "怎样提升" not in text


def test_never_graded_it_is_explained_all_the_same(world: World) -> None:
    entity = make_entity(world, filed_on=local_date(TUESDAY))
    found = explain(entity, local_date(TUESDAY))
    assert (found.effective, found.score.caps) == ("", ("NO_PATROL", "NEW"))
    assert "执行等级：尚未评定。" in found.text
    assert not any(part.code == "APPEAL" for part in found.sections)
