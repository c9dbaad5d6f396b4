"""`GET reports/sla/?date=` and its workbook (API.md)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel.errors import Malformed
from reports import policy, selectors, sheet
from reports.api.serializers import SlaSerializer
from reports.models import Span
from reports.selectors import Reading

__all__ = ["Sla", "SlaSheet"]

DATE = OpenApiParameter("date", OpenApiTypes.DATE, description="日期；不填为最近一日")
_BOOK = OpenApiResponse(OpenApiTypes.BINARY, description="工作簿")
_NONE = OpenApiResponse(description="没有这一天的日报")


def asked_day(request: Request) -> date | None:
    """`?date=2026-11-22`; none asked is None. Raises Malformed `invalid_date`."""
    said = request.query_params.get("date")
    if said is None:
        return None
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", said):
            raise ValueError(said)
        return date.fromisoformat(said)
    except ValueError:
        raise Malformed(
            "日期格式应为“年-月-日”，例如 2026-11-22。", code="invalid_date", attr="date"
        ) from None


def reading_for(request: Request) -> Reading:
    user: Any = request.user
    selectors.require_reader(user)
    return selectors.read(report=selectors.find(day=asked_day(request), by=user), by=user)


class Sla(APIView):
    """运行日报."""

    @extend_schema(parameters=[DATE], responses={200: SlaSerializer, 404: _NONE})
    def get(self, request: Request) -> Response:
        """The kept report of a day: figures, lines, overdue limits, orders, seal, and one paragraph."""
        return Response(SlaSerializer(as_answer(reading_for(request))).data)


def as_answer(reading: Reading) -> dict[str, Any]:
    """What `SlaSerializer` serializes."""
    report = reading.report
    return {
        "date": report.date,
        "as_of": report.as_of,
        "made_at": report.made_at,
        "scope": reading.name,
        "seal": report.seal,
        "figures": reading.figures,
        "lines": [line for line in reading.lines if line.span == Span.DAY],
        "recent": {
            "days": policy.RECENT_DAYS,
            "figures": reading.recent,
            "lines": [line for line in reading.lines if line.span == Span.RECENT],
            "departments": [one for one in reading.departments if one.span == Span.RECENT],
        },
        "overdue": reading.overdue,
        "orders": reading.orders,
        "departments": [one for one in reading.departments if one.span == Span.DAY],
        "text_zh": reading.text_zh,
    }


class AnyAccept(BaseContentNegotiation):
    """A workbook is a workbook, whatever `Accept` says; refusals are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0] if parsers else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class SlaSheet(APIView):
    """运行日报工作簿."""

    content_negotiation_class = AnyAccept

    @extend_schema(parameters=[DATE], responses={(200, sheet.XLSX): _BOOK, 404: _NONE})
    def get(self, request: Request) -> FileResponse:
        """The same as a workbook of seven sheets."""
        return workbook(reading_for(request))


def workbook(reading: Reading) -> FileResponse:
    """The workbook as a streamed download under its Chinese name (RFC 5987)."""
    answer = FileResponse(
        sheet.write(reading), as_attachment=True, filename=sheet.file_name(reading), content_type=sheet.XLSX
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-cache"
    return answer
