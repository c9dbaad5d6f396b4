"""Absences and the duty rota (API.md)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotAuthenticated
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids import absences, rota, rota_sheet
from grids.access import scope_of
from grids.api import filters as f
from grids.api import serializers as s
from grids.authority import NOT_YOURS, may_keep_rota
from grids.models import Absence, DutyShift, Office, Posting
from kernel import clock
from kernel.accounts.models import User
from kernel.api import CursorPages
from kernel.api.downloads import XLSX, xlsx
from kernel.errors import NotAllowed

MOST_SHIFTS = 20_000


def me(request: Request) -> User:
    """Who asks; the views let nobody else in."""
    user = request.user
    if not isinstance(user, User):
        raise NotAuthenticated
    return user


def person(username: str, asking: Any, attr: str, *, anybody: bool = False) -> User:
    """An active person whom the asker works with (or `anybody`), by account.

    Raises:
        serializers.ValidationError: nobody of that account, as far as the asker may know.
    """
    known = Q(pk=asking.pk)
    known |= Q(pk__in=Posting.objects.visible_to(asking).values("user_id"))
    known |= Q(pk__in=Posting.objects.visible_to(asking).values("backup_id"))
    known |= Q(pk__in=DutyShift.objects.visible_to(asking).values("user_id"))
    rows = User.objects.filter(username=username, is_active=True)
    found = rows.first() if anybody else rows.filter(known).first()
    if found is None:
        raise serializers.ValidationError({attr: "没有找到该人员，请核对账号。"}, code="unknown_person")
    return found


class AbsenceList(generics.ListAPIView[Absence]):
    """Leave: one's own and whom one stands in for; heads see their people's."""

    queryset = Absence.objects.none()
    serializer_class = s.AbsenceSerializer
    filterset_class = f.AbsenceFilter

    def get_queryset(self) -> QuerySet[Absence]:
        return Absence.objects.visible_to(self.request.user).select_related("user", "stand_in")

    @extend_schema(request=s.NewAbsenceSerializer, responses={201: s.AbsenceSerializer})
    def post(self, request: Request) -> Response:
        body = s.NewAbsenceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        away = person(wanted["person"], request.user, "person") if "person" in wanted else me(request)
        stand_in = wanted.get("stand_in")
        absence = absences.record(
            user=away,
            stand_in=person(stand_in, request.user, "stand_in") if stand_in else None,
            starts_at=wanted["starts_at"],
            ends_at=wanted["ends_at"],
            reason=wanted.get("reason", ""),
            by=me(request),
            at=clock.now(),
        )
        return Response(s.AbsenceSerializer(absence).data, status=status.HTTP_201_CREATED)


class AbsenceDetail(generics.RetrieveAPIView[Absence]):
    queryset = Absence.objects.none()
    serializer_class = s.AbsenceSerializer

    def get_queryset(self) -> QuerySet[Absence]:
        return Absence.objects.visible_to(self.request.user).select_related("user", "stand_in")


class AbsenceEnd(APIView):
    """销假: back early."""

    @extend_schema(request=None, responses=s.AbsenceSerializer)
    def post(self, request: Request, pk: int) -> Response:
        rows = Absence.objects.visible_to(request.user).select_related("user", "stand_in")
        ended = absences.end_early(absence=get_object_or_404(rows, pk=pk), by=me(request), at=clock.now())
        return Response(s.AbsenceSerializer(ended).data)


class NearestDayFirst(CursorPages):
    ordering = ("day", "id")  # type: ignore[assignment]  # the base takes both


def shift_rows(user: Any) -> QuerySet[DutyShift]:
    return DutyShift.objects.visible_to(user).select_related("office", "user")


class DutyShiftList(generics.ListAPIView[DutyShift]):
    """The duty rota, by day; filters `day`, `day_after`, `day_before`, `office`, `role`, `person`."""

    queryset = DutyShift.objects.none()
    serializer_class = s.DutyShiftSerializer
    filterset_class = f.DutyShiftFilter
    pagination_class = NearestDayFirst
    ordering_fields = ("day",)

    def get_queryset(self) -> QuerySet[DutyShift]:
        return shift_rows(self.request.user)

    @extend_schema(
        request=s.NewDutyShiftSerializer, responses={201: s.DutyShiftSerializer, 200: s.DutyShiftSerializer}
    )
    def post(self, request: Request) -> Response:
        body = s.NewDutyShiftSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        office = Office.objects.visible_to(request.user).filter(code=wanted["office"]).first()
        if office is None:
            raise serializers.ValidationError({"office": "没有这个市场监管所。"}, code="unknown_office")
        if not may_keep_rota(scope_of(request.user), {office.pk}):
            raise NotAllowed(NOT_YOURS, code="not_your_rota")
        on_duty = person(wanted["person"], request.user, "person", anybody=True)
        wish = rota.Wish(office, wanted["day"], wanted["role"], on_duty)
        changes = rota.set_shifts(wishes=[wish], by=me(request), at=clock.now())
        rows = DutyShift.objects.select_related("office", "user")
        shift = rows.get(office=office, day=wish.day, role=wish.role)
        code = status.HTTP_201_CREATED if changes.created else status.HTTP_200_OK
        return Response(s.DutyShiftSerializer(shift).data, status=code)


class DutyShiftDetail(generics.RetrieveAPIView[DutyShift]):
    queryset = DutyShift.objects.none()
    serializer_class = s.DutyShiftSerializer

    def get_queryset(self) -> QuerySet[DutyShift]:
        return shift_rows(self.request.user)


class DutyShiftSwap(APIView):
    """Exchange the people of two shifts of one office (调班): two taps."""

    @extend_schema(request=s.SwapSerializer, responses=s.DutyShiftSerializer(many=True))
    def post(self, request: Request, pk: int) -> Response:
        body = s.SwapSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rows = shift_rows(request.user)
        first = get_object_or_404(rows, pk=pk)
        second = get_object_or_404(rows, pk=body.validated_data["with"])
        swapped = rota.swap(first=first, second=second, by=me(request), at=clock.now())
        return Response(s.DutyShiftSerializer(swapped, many=True).data)


class DutyShiftImport(APIView):
    """The rota from .xlsx: dry run first (the default), then all or nothing."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        request=s.RotaUploadSerializer,
        responses={200: s.UploadReportSerializer, 422: s.RefusedUploadSerializer},
    )
    def post(self, request: Request) -> Response:
        body = s.RotaUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        upload, dry_run = body.validated_data["file"], body.validated_data["dry_run"]
        content = upload.read(rota_sheet.MOST_BYTES + 1)
        report = rota_sheet.take(content=content, dry_run=dry_run, by=me(request), at=clock.now())
        told: dict[str, Any] = asdict(report)
        if report.errors and not dry_run:
            errors = [{**error, "attr": "file"} for error in told["errors"]]
            refused = {"type": "domain_error", **told, "errors": errors}
            return Response(refused, status=status.HTTP_422_UNPROCESSABLE_ENTITY)
        return Response(told)


class DutyShiftTemplate(APIView):
    """An empty rota to fill in."""

    @extend_schema(responses={(200, XLSX): OpenApiTypes.BINARY})
    def get(self, request: Request) -> HttpResponse:
        return xlsx(rota_sheet.template(), "duty-template.xlsx")


class DutyShiftExport(generics.GenericAPIView[DutyShift]):
    """The rota as .xlsx, by the filters of the list; can be changed and uploaded again."""

    queryset = DutyShift.objects.none()
    serializer_class = s.DutyShiftSerializer
    filterset_class = f.DutyShiftFilter
    pagination_class = None

    @extend_schema(responses={(200, XLSX): OpenApiTypes.BINARY})
    def get(self, request: Request) -> HttpResponse:
        rows = self.filter_queryset(shift_rows(request.user)).order_by("day", "office_id")
        if rows.count() > MOST_SHIFTS:
            raise NotAllowed("导出的班次过多，请缩小日期范围。", code="too_many_rows")
        return xlsx(rota_sheet.export(rows), "duty-shifts.xlsx")
