"""Figures of the stations, hot goods and shops: over the disputes that the reader may see (API.md)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel import clock
from kernel.api import both_slashes
from kernel.api.days import span_named
from kernel.errors import Malformed
from leads.api.views import user_of
from stations import figures, policy, selectors
from stations.api.bodies import money
from stations.figures import ByTier, Counted, Figures
from stations.models import Dispute, DisputeQuerySet, GoodsKind, Station
from stations.states import Tier

COUNTS = (
    "registered", "open", "ended", "on_the_spot", "settled", "settled_official", "not_reached", "withdrawn",
    "refused", "performed", "broken", "mediation_success_rate", "median_days", "asked", "rated", "satisfied",
    "satisfaction_rate", "response_rate",
)  # fmt: skip


class ByTierOut(serializers.Serializer[Any]):
    tier = serializers.ChoiceField(choices=Tier.choices)
    tier_label = serializers.CharField()
    ended = serializers.IntegerField()
    settled = serializers.IntegerField()


class CountedGoodsOut(serializers.Serializer[Any]):
    """`amount` in yuan."""

    goods_kind = serializers.ChoiceField(choices=GoodsKind.choices)
    name = serializers.CharField()
    disputes = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=20, decimal_places=2)


class CountedShopOut(serializers.Serializer[Any]):
    entity = serializers.IntegerField()
    name = serializers.CharField()
    disputes = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=20, decimal_places=2)


class DisputeFiguresOut(serializers.Serializer[Any]):
    """Rates between 0 and 1, null of nothing; `median_days` from registration to the end. `rated` is the n
    of `satisfaction_rate`. `settled` at a station, `settled_official` by the office; `open` is now."""

    first = serializers.DateField()
    last = serializers.DateField()
    station = serializers.CharField(allow_null=True)
    registered = serializers.IntegerField()
    open = serializers.IntegerField()
    ended = serializers.IntegerField()
    on_the_spot = serializers.IntegerField()
    settled = serializers.IntegerField()
    settled_official = serializers.IntegerField()
    not_reached = serializers.IntegerField()
    withdrawn = serializers.IntegerField()
    refused = serializers.IntegerField()
    performed = serializers.IntegerField()
    broken = serializers.IntegerField()
    amount_settled = serializers.DecimalField(max_digits=20, decimal_places=2)
    mediation_success_rate = serializers.FloatField(allow_null=True)
    median_days = serializers.FloatField(allow_null=True)
    asked = serializers.IntegerField()
    rated = serializers.IntegerField()
    satisfied = serializers.IntegerField()
    satisfaction_rate = serializers.FloatField(allow_null=True)
    response_rate = serializers.FloatField(allow_null=True)
    by_tier = ByTierOut(many=True)
    goods = CountedGoodsOut(many=True)


class HotOut(serializers.Serializer[Any]):
    """Goods most disputed in the last 30 days; shops with three disputes or more in them."""

    since = serializers.DateField()
    goods = CountedGoodsOut(many=True)
    shops = CountedShopOut(many=True)


def _station(request: Request) -> Station | None:
    said = request.query_params.get("station")
    if not said:
        return None
    row = Station.objects.visible_to(user_of(request)).filter(code=said).first()
    if row is None:
        raise Malformed("没有这个服务站。", code="unknown_station", attr="station")
    return row


def _goods(row: Counted) -> dict[str, Any]:
    return {"goods_kind": row.key, "name": row.name, "disputes": row.disputes, "amount": money(row.amount)}


def _shop(row: Counted) -> dict[str, Any]:
    return {"entity": int(row.key), "name": row.name, "disputes": row.disputes, "amount": money(row.amount)}


def _tier(row: ByTier) -> dict[str, Any]:
    return {
        "tier": row.tier, "tier_label": Tier(row.tier).label, "ended": row.ended, "settled": row.settled,
    }  # fmt: skip


def body(found: Figures, station: Station | None) -> dict[str, Any]:
    return {
        "first": found.since.isoformat(),
        "last": found.until.isoformat(),
        "station": station.code if station else None,
        **{name: getattr(found, name) for name in COUNTS},
        "amount_settled": money(found.amount_settled),
        "by_tier": [_tier(one) for one in found.by_tier],
        "goods": [_goods(one) for one in found.goods],
    }


class DisputeFigures(APIView):
    """纠纷调解统计 of a period and, where named, a station; never per person."""

    @extend_schema(
        operation_id="disputes_figures",
        parameters=[
            OpenApiParameter("from", date),
            OpenApiParameter("to", date),
            OpenApiParameter("station", str),
        ],
        responses={200: DisputeFiguresOut},
    )
    def get(self, request: Request) -> Response:
        first, last = span_named(request, today=clock.today())
        station = _station(request)
        rows: Any = Dispute.objects.visible_to(user_of(request))
        if station is not None:
            rows = selectors.at_station(rows, station)
        return Response(body(figures.figures(rows, first, last), station))


class HotDisputes(APIView):
    """纠纷集中的商品和店铺: a hint where to look, never a score."""

    @extend_schema(operation_id="disputes_hot", responses={200: HotOut})
    def get(self, request: Request) -> Response:
        rows: DisputeQuerySet = Dispute.objects.visible_to(user_of(request))
        at = clock.now()
        today = clock.local_date(at)
        since = today - timedelta(days=policy.HOT_DAYS)
        return Response(
            {
                "since": since.isoformat(),
                "goods": [_goods(one) for one in figures.goods(rows, since, today)],
                "shops": [_shop(one) for one in figures.hot_shops(rows, at)],
            }
        )


urlpatterns = [
    *both_slashes("disputes/figures", DisputeFigures.as_view(), "dispute-figures"),
    *both_slashes("disputes/hot", HotDisputes.as_view(), "disputes-hot"),
]
