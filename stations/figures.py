"""Figures of the stations: settled on the spot, by tier, median days, satisfaction, what and who is hot.

Each is computed from the rows that a person may see, for a period of Shanghai days (both included). Cohorts:
registered by registration, everything else by its end; a rate of nothing is None, never 100 % (DOMAIN.md §5).
No ranking of persons; a station's figures are told for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.db.models.aggregates import Aggregate
from django.db.models.functions import Coalesce

from kernel.clock import SHANGHAI
from leads.models.answer import SATISFIED
from stations import hot_shops as shops
from stations import policy
from stations.models import DisputeSurvey, GoodsKind, Outcome
from stations.models.dispute import DisputeQuerySet
from stations.states import Tier

MOST_ROWS = 20
HAPPY = tuple(one.value for one in SATISFIED)
SETTLEMENTS = (Outcome.ON_THE_SPOT, Outcome.SETTLED, Outcome.PERFORMED)
CONCLUDED = (*SETTLEMENTS, Outcome.NOT_REACHED)
"""Mediations concluded (和解率): settled or agreed, and those that came to nothing. Withdrawn and refused
ones were none."""


class Median(Aggregate):
    """`percentile_cont(0.5)`: of intervals, the interval in the middle."""

    function = "percentile_cont"
    name = "median"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True, slots=True)
class ByTier:
    """Where disputes of the period ended."""

    tier: str
    ended: int
    settled: int


@dataclass(frozen=True, slots=True)
class Counted:
    """One kind of goods, or one shop, with its disputes. `amount` in yuan."""

    key: str
    name: str
    disputes: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """One period. Rates have 4 decimals, half up; `median_days` from registration to the end, 2 decimals.

    `settled` counts what was settled at a station (SHOP, CIRCLE or COMMUNITY), `settled_official` what was
    settled by the office; `open` is now. `asked` surveys sent, `rated` answered, `satisfied` of these.
    """

    since: date
    until: date
    registered: int
    open: int
    ended: int
    on_the_spot: int
    settled: int
    settled_official: int
    not_reached: int
    withdrawn: int
    refused: int
    performed: int
    broken: int
    amount_settled: Decimal
    mediation_success_rate: float | None
    median_days: float | None
    asked: int
    rated: int
    satisfied: int
    satisfaction_rate: float | None
    response_rate: float | None
    by_tier: tuple[ByTier, ...]
    goods: tuple[Counted, ...]


def rate(part: int, whole: int) -> float | None:
    """`part / whole` with 4 decimals, half up; None of nothing."""
    if not whole:
        return None
    return float((Decimal(part) / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP))


def _moments(since: date, until: date) -> tuple[datetime, datetime]:
    midnight = datetime.min.time()
    return (
        datetime.combine(since, midnight, SHANGHAI),
        datetime.combine(until + timedelta(days=1), midnight, SHANGHAI),
    )


def figures(rows: DisputeQuerySet, since: date, until: date) -> Figures:
    """The figures of these disputes (already narrowed to what the reader may see). Five statements."""
    begin, end = _moments(since, until)
    within = Q(ended_at__gte=begin, ended_at__lt=end)
    new = Q(registered_at__gte=begin, registered_at__lt=end)
    at_station = ~Q(tier=Tier.OFFICIAL)
    good = within & Q(outcome__in=SETTLEMENTS)
    found = rows.filter(within | new).aggregate(
        registered=Count("id", filter=new),
        ended=Count("id", filter=within),
        on_the_spot=Count("id", filter=within & Q(outcome=Outcome.ON_THE_SPOT)),
        settled=Count("id", filter=good & at_station),
        settled_official=Count("id", filter=good & ~at_station),
        not_reached=Count("id", filter=within & Q(outcome=Outcome.NOT_REACHED)),
        withdrawn=Count("id", filter=within & Q(outcome=Outcome.WITHDRAWN)),
        refused=Count("id", filter=within & Q(outcome=Outcome.REFUSED)),
        amount_settled=Coalesce(Sum("amount", filter=good), Decimal(0)),
        median=Median(
            ExpressionWrapper(F("ended_at") - F("registered_at"), DurationField()),
            filter=within & Q(outcome__in=CONCLUDED),
        ),
    )
    promised = rows.filter(agreements__checked_at__gte=begin, agreements__checked_at__lt=end).aggregate(
        performed=Count("agreements__id", filter=Q(agreements__state="performed")),
        broken=Count("agreements__id", filter=Q(agreements__state="broken")),
    )
    told = _satisfaction(rows, begin, end)
    middle = found.pop("median")
    concluded = found["settled"] + found["settled_official"] + found["not_reached"]
    return Figures(
        since=since,
        until=until,
        open=rows.open().count(),
        mediation_success_rate=rate(found["settled"] + found["settled_official"], concluded),
        median_days=None if middle is None else policy.median_days([middle]),
        by_tier=_by_tier(rows, within),
        goods=tuple(goods(rows, since, until)),
        **found,
        **promised,
        **told,
    )


def _satisfaction(rows: DisputeQuerySet, begin: datetime, end: datetime) -> dict[str, Any]:
    mine = DisputeSurvey.objects.filter(dispute__in=rows.values("id"))
    found = mine.aggregate(
        asked=Count("id", filter=Q(asked_at__gte=begin, asked_at__lt=end)),
        answered=Count("id", filter=Q(asked_at__gte=begin, asked_at__lt=end, answered_at__isnull=False)),
        rated=Count("id", filter=Q(answered_at__gte=begin, answered_at__lt=end)),
        satisfied=Count("id", filter=Q(answered_at__gte=begin, answered_at__lt=end, rating__in=HAPPY)),
    )
    return {
        "asked": found["asked"],
        "rated": found["rated"],
        "satisfied": found["satisfied"],
        "satisfaction_rate": rate(found["satisfied"], found["rated"]),
        "response_rate": rate(found["answered"], found["asked"]),
    }


def _by_tier(rows: DisputeQuerySet, within: Q) -> tuple[ByTier, ...]:
    counted = (
        rows.filter(within)
        .order_by()
        .values("tier")
        .annotate(ended=Count("id"), good=Count("id", filter=Q(outcome__in=SETTLEMENTS)))
    )
    found = {row["tier"]: ByTier(row["tier"], row["ended"], row["good"]) for row in counted}
    return tuple(found.get(tier, ByTier(tier, 0, 0)) for tier in Tier.values)


def goods(rows: DisputeQuerySet, since: date, until: date) -> list[Counted]:
    """What is disputed most in the period, most first. One statement."""
    begin, end = _moments(since, until)
    counted = (
        rows.filter(registered_at__gte=begin, registered_at__lt=end)
        .order_by()
        .values("goods_kind")
        .annotate(many=Count("id"), yuan=Coalesce(Sum("amount"), Decimal(0)))
        .order_by("-many", "goods_kind")
    )
    return [
        Counted(row["goods_kind"], GoodsKind(row["goods_kind"]).label, row["many"], row["yuan"])
        for row in counted[:MOST_ROWS]
    ]


def hot_shops(rows: DisputeQuerySet, at: datetime) -> list[Counted]:
    """Shops with `policy.HOT_DISPUTES` disputes or more in the last `policy.HOT_DAYS` days, by the rule of
    `stations.hot_shops`. One statement."""
    counted = (
        shops.counted(at)
        .filter(pk__in=rows.filter(registered_at__lte=at).values("id"))
        .order_by()
        .values("entity_id", "entity__name")
        .annotate(many=Count("id"), yuan=Coalesce(Sum("amount"), Decimal(0)))
        .filter(many__gte=policy.HOT_DISPUTES)
        .order_by("-many", "entity_id")
    )
    return [Counted(str(row["entity_id"]), row["entity__name"], row["many"], row["yuan"]) for row in counted]
