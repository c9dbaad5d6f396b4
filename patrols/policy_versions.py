"""A new version of the plan's rules (巡查规则): added, never changed, taken back while it still waits.

A version takes effect at midnight, tomorrow at the earliest: the plan of the day is made at 00:40 of every
night for the whole register, and reads the policy of that moment; what is done at the door (the yearly cap,
three shut doors) asks for the policy of its own moment. So nothing has to be replanned when one is added.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction

from grids.access import Scope, scope_of
from grids.roles import Role
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.clock import SHANGHAI, local_date
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from patrols.models import PatrolPolicy

LONGEST_AHEAD = timedelta(days=366)
BOUNDS: dict[str, tuple[int, int]] = {
    "worker_daily_limit": (1, 200),
    "commissioner_weekly_limit": (1, 100),
    "inspections_a_year": (1, 366),
    "closed_in_a_row": (1, 20),
}
"""What each number may be: beyond it, it was mistyped."""
RULES = ("daily_on_rest_days", *BOUNDS)
LONGEST_BASIS = 200


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new version says, from the beginning of a Shanghai day on; fields as in `PatrolPolicy`."""

    in_force_on: date
    daily_on_rest_days: bool
    worker_daily_limit: int
    commissioner_weekly_limit: int
    inspections_a_year: int
    closed_in_a_row: int
    basis: str

    @property
    def in_force_at(self) -> datetime:
        return datetime.combine(self.in_force_on, time(), SHANGHAI)


def may_write(scope: Scope) -> bool:
    """The bureau."""
    return not scope.is_auditor and scope.has(Role.BUREAU)


def add(*, terms: Terms, by: User) -> PatrolPolicy:
    """Add the next version. All versions are locked until commit, so two at once get two numbers.

    Raises:
        NotAllowed: `not_bureau`. Refused, with `attr`: what `refuse` says.
    """
    _refuse_others(by)
    at = clock.now()
    with transaction.atomic():
        last = _locked()[-1]
        refuse(terms, last, at)
        made = PatrolPolicy.objects.create(
            version=last.version + 1,
            in_force_at=terms.in_force_at,
            basis=terms.basis.strip(),
            by=by,
            **{name: getattr(terms, name) for name in RULES},
        )
        told = {**asdict(terms), "in_force_on": terms.in_force_on.isoformat(), "version": made.version}
        journal.append(stream=_stream(made), kind="patrol_policy.added", by=by, at=at, data=told)
    return made


def refuse(terms: Terms, last: PatrolPolicy, at: datetime) -> None:
    """Refuse what cannot follow the `last` version. No statements.

    Raises:
        Refused: `bad_number`, `basis_required`, `too_soon`, `too_far`, `before_the_last`, `nothing_new`.
    """
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(terms, name) <= most:
            raise Refused(f"应在 {least} 到 {most} 之间。", code="bad_number", attr=name)
    if not 0 < len(terms.basis.strip()) <= LONGEST_BASIS:
        raise Refused(f"请填写依据，最多 {LONGEST_BASIS} 个字。", code="basis_required", attr="basis")
    today = local_date(at)
    if terms.in_force_on <= today:
        raise Refused("最早从明天起施行：今天的计划已经生成。", code="too_soon", attr="in_force_on")
    if terms.in_force_on > today + LONGEST_AHEAD:
        raise Refused("施行日期应在一年以内。", code="too_far", attr="in_force_on")
    if terms.in_force_at <= last.in_force_at:
        raise Refused(
            f"第{last.version}版将于{local_date(last.in_force_at)}施行，新版须晚于该日；"
            f"要修改第{last.version}版的，请先撤回。",
            code="before_the_last",
            attr="in_force_on",
        )
    if all(getattr(terms, name) == getattr(last, name) for name in RULES):
        raise Refused(f"各项与第{last.version}版相同，不需要新版。", code="nothing_new")


def take_back(*, version: int, by: User, reason: str) -> None:
    """Take the last version back while it waits; gone already, it changes nothing.

    Raises:
        NotAllowed: `not_bureau`. NotVisible: there never was such a version.
        Refused: `reason_required`. Conflict: `in_force_already`, `not_the_last`.
    """
    _refuse_others(by)
    if not reason.strip():
        raise Refused("请填写撤回理由。", code="reason_required", attr="reason")
    at = clock.now()
    with transaction.atomic():
        rows = _locked()
        row = next((one for one in rows if one.version == version), None)
        if row is None:
            if version == rows[-1].version + 1:
                return
            raise NotVisible("没有这一版巡查规则。")
        if row.in_force_at <= at:
            raise Conflict("这一版已经施行，不能撤回；请另立新版。", code="in_force_already")
        if row is not rows[-1]:
            raise Conflict("请先撤回在它之后的版本。", code="not_the_last")
        told = {"version": version, "reason": reason.strip()[:LONGEST_BASIS]}
        journal.append(stream=_stream(row), kind="patrol_policy.taken_back", by=by, at=at, data=told)
        row.delete()


def latest() -> PatrolPolicy:
    """The last version, in force or not. One statement."""
    found = PatrolPolicy.objects.order_by("-version").first()
    return found or PatrolPolicy(version=0, in_force_at=datetime(2025, 1, 1, tzinfo=SHANGHAI))


def _locked() -> list[PatrolPolicy]:
    """All versions, oldest first; read again once the locks are held, so that none is overlooked."""
    list(PatrolPolicy.objects.select_for_update().order_by("version").values_list("pk"))
    return list(PatrolPolicy.objects.order_by("version")) or [latest()]


def _refuse_others(by: User) -> None:
    if not may_write(scope_of(by)):
        raise NotAllowed("巡查规则由市场监管局制定。", code="not_bureau")


def _stream(row: PatrolPolicy) -> str:
    return f"patrol_policy:{row.version}"
