"""Why a business stands where it stands, in sentences that one can hand to the shop's owner (DESIGN.md §8).

Down to the fact and the date until which it counts: eight indicators, veto and caps, why the executed grade
is not the computed one, what would raise it and when at the earliest, how to appeal. No personal data: of a
fact's `data` only `what` and `number` are told. `tell` is pure; `explain` reads the rows, five statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from credit import schemes_in_force
from credit.facts import Fact
from credit.models import CreditAssessment, CreditFact, CreditStanding
from credit.movement import Before, Release, earliest_rise, minimum_stay, move, release
from credit.outlook import forecast, what_helps
from credit.scheme import GRADES, Scheme
from credit.scheme_values import INDICATORS, SECTIONS, plain
from credit.scoring import Known, Line, Score, counted, rectifications_due, score
from credit.windows import appeal_ends, whole_days
from credit.wording import CAPS, VETOES, Telling, day
from grids.models import GONE, BusinessEntity
from kernel.clock import SHANGHAI, local_date
from kernel.deadlines.models import LimitPolicy

_ENDS = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Standing:
    """The grade in force: which, and since which day."""

    effective: str
    since: date


@dataclass(frozen=True, slots=True)
class AppealTerms:
    """How long after a grading one may appeal, and how many working days the answer may take."""

    assessed_on: date
    days: int
    answer_days: int


@dataclass(frozen=True, slots=True)
class Section:
    """One part: `code` is GRADE, I1 … I8, VETO, CAP, OUTLOOK or APPEAL; points only of the indicators."""

    code: str
    title: str
    heading: str
    sentences: tuple[str, ...] = ()
    points: str = ""
    most: str = ""

    @property
    def text(self) -> str:
        return self.heading + "".join(self.sentences)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole. `effective` is empty where it was never graded; `score` is what was computed for the day."""

    name: str
    on: date
    effective: str
    score: Score
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """One text of paragraphs, each on a line of its own."""
        title = f"{self.name}信用分类说明（{day(self.on)}）"
        return "\n".join([title, *(section.text for section in self.sections)])


@dataclass(frozen=True, slots=True)
class Case:
    """All that an explanation is made of."""

    name: str
    facts: tuple[Fact, ...]
    scheme: Scheme
    on: date
    filed_on: date
    standing: Standing | None = None
    appeal: AppealTerms | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one business: what is explained, its standing, the number of its newest grading."""

    case: Case
    standing: CreditStanding | None
    assessment: int | None


def explain(entity: BusinessEntity, on: date) -> Explanation:
    """Explain one business by the ledger and the scheme in force. Five statements, whatever it holds.

    The score is computed for `on`; where a grading is still to come for new facts, the text says so.

    Raises:
        NoSchemeInForce: nothing is graded yet at all.
    """
    return tell(read(entity, on).case)


def read(entity: BusinessEntity, on: date) -> Reading:
    """Read what an explanation is made of. Five statements. Raises as `explain`."""
    _, scheme = schemes_in_force.newest()
    facts = tuple(row.as_fact() for row in CreditFact.objects.filter(entity=entity).order_by("id"))
    rows = CreditStanding.objects.filter(entity=entity).select_related("scheme")
    stands = rows.defer("scheme__rules", "scheme__trial").first()
    newest = CreditAssessment.objects.filter(entity=entity).order_by("-id").values_list("pk", "at").first()
    limits = LimitPolicy.objects.in_force(datetime.combine(on, _ENDS, SHANGHAI))
    amounts = dict(
        limits.filter(kind__in=["credit_appeal_window", "credit_appeal"]).values_list("kind", "amount")
    )
    terms = None
    if newest and amounts:
        window = whole_days(amounts["credit_appeal_window"])
        terms = AppealTerms(local_date(newest[1]), window, amounts["credit_appeal"])
    case = Case(
        name=entity.name,
        facts=facts,
        scheme=scheme,
        on=on,
        filed_on=entity.filed_on,
        standing=Standing(stands.effective_grade, stands.effective_since) if stands else None,
        appeal=terms,
        gone=entity.status in GONE,
    )
    return Reading(case, stands, newest[0] if newest else None)


def tell(case: Case) -> Explanation:
    """The explanation of a case. Pure; mentions every line of the score."""
    found = score(case.facts, case.scheme, on=case.on, filed_on=case.filed_on)
    telling = Telling(counted(case.facts, case.on), case.scheme, case.filed_on)
    sections = [
        _grade(case, found, telling),
        *_indicators(case, found, telling),
        *_reasons("VETO", "一票否决", found, telling),
        *_reasons("CAP", "等级封顶", found, telling),
    ]
    if not case.gone:
        sections.append(_outlook(case, found))
    if case.appeal:
        sections.append(_appeal(case.appeal, case.on))
    return Explanation(
        case.name, case.on, case.standing.effective if case.standing else "", found, tuple(sections)
    )


def _grade(case: Case, found: Score, telling: Telling) -> Section:
    stands = case.standing
    in_force = f"{stands.effective}级，自{day(stands.since)}起执行。" if stands else "尚未评定。"
    by_points = case.scheme.grade_of(found.total)
    computed = f"测算得分{found.total}分，按得分为{by_points}级"
    if found.cause == "VETO":
        computed += f"，因{'、'.join(VETOES[code] for code in found.vetoes)}，一票否决为D级"
    elif found.cause == "CAP":
        computed += f"，因{'、'.join(CAPS[code] for code in found.caps)}，封顶为{found.grade}级"
    sentences = [f"{computed}。"]
    if stands:
        sentences += _not_the_computed(case, stands, found.grade, telling)
    return Section("GRADE", "信用等级", f"执行等级：{in_force}", tuple(sentences))


def _not_the_computed(case: Case, stands: Standing, computed: str, telling: Telling) -> Iterator[str]:
    """Why the executed grade is not the computed one; what is missing; when it may rise at the earliest."""
    if case.gone:
        yield "该主体已不在营，不再评定，执行等级为停业或搬离前的等级。"
        return
    if computed == stands.effective:
        return
    if computed > stands.effective:
        yield f"有新的事实，正在重新评定，执行等级将即时调整为{computed}级。"
        return
    missing = (
        release(case.facts, since=stands.since, on=case.on) if stands.effective == "D" else Release((), ())
    )
    before = Before(stands.effective, stands.since, bool(missing.look_backs), bool(missing.open_leads))
    held = move(before, computed, case.scheme, on=case.on, review=False).held_by
    yield f"测算等级{computed}级高于执行等级，等级只在定期评定时上调，每次升一级。"
    stay = minimum_stay(stands.effective, case.scheme)
    if "MIN_STAY" in held:
        yield f"{stands.effective}级须至少停留{stay}天，{day(stands.since + timedelta(days=stay))}期满。"
    if missing.look_backs:
        which = "、".join(dict.fromkeys(telling.about.get(ref) or "问题" for ref in missing.look_backs))
        yield f"降为D级后责令的{len(missing.look_backs)}项整改（{which}）尚未通过回头看。"
    if missing.open_leads:
        yield f"尚有{len(missing.open_leads)}件问题线索未办结。"
    above = GRADES[GRADES.index(stands.effective) - 1]
    then = "上述条件满足后，" if missing.look_backs or missing.open_leads else ""
    rises = earliest_rise(before, case.scheme, on=case.on)
    yield f"{then}最早可在{day(rises)}的定期评定中升为{above}级。"


def _indicators(case: Case, found: Score, telling: Telling) -> Iterator[Section]:
    scheme = case.scheme
    for place, (name, points) in enumerate(zip(INDICATORS, found.indicators, strict=True), 1):
        lines = [line for line in found.lines if line.indicator == f"I{place}"]
        most, title = getattr(scheme, name).most, SECTIONS[name]
        got = plain(points)
        lost = (
            f"{plain(most)}分扣{plain(most - points)}分，得{got}分"
            if points < most
            else f"满分{got}分，得{got}分"
        )
        if name == "participation":
            lost = f"最高{plain(most)}分，得{got}分"
        over = "（扣分合计超过满分，扣完为止）" if _come_to_more(lines, name, most) else ""
        ratio = _ratio(case) if name == "rectification" else ""
        yield Section(
            f"I{place}",
            title,
            f"{title}：{lost}{over}。{ratio}",
            tuple(telling.sentence(line) for line in lines),
            f"{points}",
            plain(most),
        )


def _ratio(case: Case) -> str:
    months = case.scheme.rectification.months
    due = list(rectifications_due(Known(case.facts, case.on), months))
    on_time = sum(one.outcome == "ON_TIME" for one in due)
    return f"近{months}个月应完成整改{len(due)}项，按期完成{on_time}项。" if due else ""


def _come_to_more(lines: Iterable[Line], name: str, most: Decimal) -> bool:
    return name != "participation" and sum((line.points for line in lines), Decimal(0)) > most


def _reasons(code: str, title: str, found: Score, telling: Telling) -> Iterator[Section]:
    sentences = tuple(telling.sentence(line) for line in found.lines if line.indicator == code)
    if sentences:
        yield Section(code, title, f"{title}：", sentences)


def _outlook(case: Case, found: Score) -> Section:
    """What the shop can do, and when the computed grade rises by itself."""
    sentences = []
    if helps := what_helps(found):
        sentences.append(f"可以{'；'.join(helps)}。")
    part = case.scheme.participation
    if (left := part.most - found.indicators[-1]) > 0:
        sentences.append(
            f"签订承诺、参加培训、作出消费维权承诺、参与共治，每项得{plain(part.each)}分，还可得{plain(left)}分。"
        )
    if ahead := forecast(case.facts, case.scheme, found, on=case.on, filed_on=case.filed_on):
        sentences.append(
            f"如不再发生新的扣分事项、其他情况不变，测算等级最早于{day(ahead.on)}"
            f"升为{ahead.score.grade}级（{ahead.score.total}分）。"
        )
    if not sentences:
        sentences.append("请继续保持。")
    return Section("OUTLOOK", "怎样提升", "怎样提升：", tuple(sentences))


def _appeal(terms: AppealTerms, on: date) -> Section:
    last = appeal_ends(terms.assessed_on, terms.days)
    if on > last:
        sentence = (
            f"最近一次评定（{day(terms.assessed_on)}）的申诉期已于{day(last)}届满；"
            "有新情况的，可向辖区市场监管所反映。"
        )
    else:
        sentence = (
            f"对评定结果或者其中任何一项事实有异议的，可自评定之日（{day(terms.assessed_on)}）起{terms.days}日内，"
            f"即{day(last)}前（含当日），通过社区网格员、市场监管专员或者辖区市场监管所提出申诉，"
            f"市场监管部门在{terms.answer_days}个工作日内审核答复。"
        )
    return Section("APPEAL", "申诉", "申诉：", (sentence,))
