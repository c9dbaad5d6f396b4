"""Bringing files into the register, and the register as a sheet (API.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids import importing, sheets
from grids.api import filters as f
from grids.api import serializers as s
from grids.importing_columns import COLUMNS
from grids.models import BusinessEntity, BusinessType, ImportFile
from kernel import clock
from kernel.accounts.masking import mask_name
from kernel.accounts.models import User
from kernel.api import StrictSerializer
from kernel.api.downloads import XLSX, xlsx
from kernel.errors import Refused

MOST_EXPORTED = 100_000
EXPORTED = (
    ("一店一码", 14), ("名称", 30), ("统一社会信用代码", 22), ("主体类型", 12), ("业态", 16), ("校园周边", 8),
    ("经营者", 10), ("网格", 16), ("社区", 14), ("经营地址", 36), ("经度", 12), ("纬度", 12), ("状态", 10),
    ("信用等级", 8), ("成立日期", 12), ("建档日期", 12),
)  # fmt: skip


class ImportErrorSerializer(s.RowErrorSerializer):
    """One error: row and column of the sheet, what stood there (masked), why."""

    column = serializers.CharField(read_only=True)
    value = serializers.CharField(read_only=True)


class ImportSerializer(serializers.ModelSerializer[ImportFile]):
    """One attempt: how far it is, what it did or would do, every error."""

    errors = ImportErrorSerializer(many=True, read_only=True)  # type: ignore[assignment]  # its name in API.md
    by = serializers.CharField(source="by.username", read_only=True, allow_null=True)

    class Meta:
        model = ImportFile
        fields = [
            "id", "name", "sha256", "dry_run", "state", "rows", "done_rows", "created", "updated",
            "unchanged", "errors", "by", "at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class ImportLineSerializer(ImportSerializer):
    """The same in a list: how many errors, not which."""

    errors = serializers.SerializerMethodField()  # type: ignore[assignment]  # as above

    class Meta(ImportSerializer.Meta):
        pass

    def get_errors(self, file: ImportFile) -> int:
        return len(file.errors)


class ImportUploadSerializer(StrictSerializer):
    file = serializers.FileField(label="CSV 或 XLSX 文件")
    dry_run = serializers.BooleanField(default=True, label="只试导不写入")


def _import_rows(user: Any) -> QuerySet[ImportFile]:
    rows: QuerySet[ImportFile] = ImportFile.objects.visible_to(user)
    return rows.filter(target=ImportFile.Target.REGISTER).select_related("by")


class EntityImport(APIView):
    """A file of businesses, CSV or XLSX: a dry run first (the default), then all of it or nothing.

    `dry_run=false` needs a dry run of the very same file by the same person before (409
    `dry_run_first`). With errors nothing is written: 422, every row named. A large file is read by a
    worker: 202, and `entities/imports/{id}/` tells how far it is.
    """

    parser_classes = [MultiPartParser]

    @extend_schema(
        request=ImportUploadSerializer,
        responses={200: ImportSerializer, 202: ImportSerializer, 422: s.RefusedUploadSerializer},
    )
    def post(self, request: Request) -> Response:
        body = ImportUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        upload = body.validated_data["file"]
        by = User.objects.get(pk=request.user.pk)
        file = importing.hand_in(
            content=upload.read(sheets.MOST_BYTES + 1), name=upload.name,
            dry_run=body.validated_data["dry_run"], by=by, at=clock.now(),
        )  # fmt: skip
        told: dict[str, Any] = dict(ImportSerializer(file).data)
        if file.state == ImportFile.State.REFUSED:
            errors = [{**one, "attr": "file"} for one in told.pop("errors")]
            refused = {**told, "type": "domain_error", "errors": errors}
            return Response(refused, status=status.HTTP_422_UNPROCESSABLE_ENTITY)
        waits = file.state == ImportFile.State.WAITING
        return Response(told, status=status.HTTP_202_ACCEPTED if waits else status.HTTP_200_OK)


class EntityImportList(generics.ListAPIView[ImportFile]):
    """One's own imports, the newest first; the bureau sees everybody's."""

    queryset = ImportFile.objects.none()
    serializer_class = ImportLineSerializer

    def get_queryset(self) -> QuerySet[ImportFile]:
        return _import_rows(self.request.user)


class EntityImportDetail(generics.RetrieveAPIView[ImportFile]):
    """One import: state, progress (`done_rows` of `rows`), errors."""

    queryset = ImportFile.objects.none()
    serializer_class = ImportSerializer

    def get_queryset(self) -> QuerySet[ImportFile]:
        return _import_rows(self.request.user)


class EntityImportErrors(generics.GenericAPIView[ImportFile]):
    """The errors of one import as a sheet."""

    queryset = ImportFile.objects.none()
    serializer_class = ImportSerializer

    def get_queryset(self) -> QuerySet[ImportFile]:
        return _import_rows(self.request.user)

    @extend_schema(responses={(200, XLSX): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> HttpResponse:
        file = self.get_object()
        return xlsx(sheets.errors_sheet(importing.errors_of(file)), f"import-{file.pk}-errors.xlsx")


class EntityTemplate(APIView):
    """An empty sheet to fill in."""

    @extend_schema(responses={(200, XLSX): OpenApiTypes.BINARY})
    def get(self, request: Request) -> HttpResponse:
        return xlsx(sheets.blank(COLUMNS, "经营主体"), "entities-template.xlsx")


class EntityExport(generics.GenericAPIView[BusinessEntity]):
    """The register as a sheet, by the list's filters; the operator's name masked. At most 100,000 rows."""

    queryset = BusinessEntity.objects.none()
    serializer_class = s.EntitySerializer
    filterset_class = f.EntityExportFilter
    pagination_class = None

    def get_queryset(self) -> QuerySet[BusinessEntity]:
        return BusinessEntity.objects.visible_to(self.request.user).select_related("grid", "community")

    @extend_schema(responses={(200, XLSX): OpenApiTypes.BINARY})
    def get(self, request: Request) -> HttpResponse:
        rows = self.filter_queryset(self.get_queryset()).order_by("id")
        if rows.order_by()[: MOST_EXPORTED + 1].count() > MOST_EXPORTED:
            raise Refused(f"超过 {MOST_EXPORTED} 行，请缩小范围后再导出。", code="too_many_rows")
        heads, widths = [head for head, _ in EXPORTED], [width for _, width in EXPORTED]
        return xlsx(sheets.written("经营主体", heads, _exported(rows), widths), "entities.xlsx")


def _exported(rows: QuerySet[BusinessEntity]) -> Iterator[list[Any]]:
    types = dict(BusinessType.choices)
    for row in rows.iterator(chunk_size=2_000):
        yield [
            row.code, row.name, row.uscc, row.get_kind_display(),
            "、".join(str(types[one]) for one in row.business_types),
            "是" if row.is_campus_peripheral else "否",
            mask_name(row.operator_name), row.grid.code if row.grid else "",
            row.community.name if row.community else "", row.address, row.lon, row.lat,
            row.get_status_display(), row.credit_grade or "", str(row.established_on or ""),
            str(row.filed_on),
        ]  # fmt: skip
