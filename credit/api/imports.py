"""Bringing facts into the ledger from a file (API.md)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credit import importing
from credit.importing_rows import COLUMNS
from grids import sheets
from grids.api.imports import ImportSerializer, ImportUploadSerializer
from grids.api.serializers import RefusedUploadSerializer
from grids.models import ImportFile
from kernel import clock
from kernel.accounts.models import User
from kernel.api import both_slashes
from kernel.api.downloads import XLSX, xlsx


class FactImport(APIView):
    """A file of facts – penalties, samples, annual reports, lists, pledges –, CSV or XLSX: a dry run first
    (the default), then all of it or nothing.

    `dry_run=false` needs a dry run of the very same file by the same person before (409 `dry_run_first`).
    With errors nothing is written: 422, every row named. The same file again changes nothing.
    """

    parser_classes = [MultiPartParser]

    @extend_schema(
        request=ImportUploadSerializer, responses={200: ImportSerializer, 422: RefusedUploadSerializer}
    )
    def post(self, request: Request) -> Response:
        body = ImportUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        upload = body.validated_data["file"]
        by = User.objects.get(pk=request.user.pk)
        file = importing.hand_in(
            content=upload.read(importing.MOST_BYTES + 1),
            name=upload.name,
            dry_run=body.validated_data["dry_run"],
            by=by,
            at=clock.now(),
        )
        told: dict[str, Any] = dict(ImportSerializer(file).data)
        if file.state == ImportFile.State.REFUSED:
            errors = [{**one, "attr": "file"} for one in told.pop("errors")]
            refused = {**told, "type": "domain_error", "errors": errors}
            return Response(refused, status=status.HTTP_422_UNPROCESSABLE_ENTITY)
        return Response(told)


class FactImportDetail(generics.RetrieveAPIView[ImportFile]):
    """One import of facts: what it did or would do, every error."""

    queryset = ImportFile.objects.none()
    serializer_class = ImportSerializer

    def get_queryset(self) -> QuerySet[ImportFile]:
        rows: QuerySet[ImportFile] = ImportFile.objects.visible_to(self.request.user)
        return rows.filter(target=ImportFile.Target.FACTS).select_related("by")


class FactImportErrors(FactImportDetail):
    """The errors of one import as a sheet."""

    @extend_schema(responses={(200, XLSX): OpenApiTypes.BINARY})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        file = self.get_object()
        return xlsx(sheets.errors_sheet(importing.errors_of(file)), f"facts-{file.pk}-errors.xlsx")


class FactTemplate(APIView):
    """An empty sheet of facts to fill in."""

    @extend_schema(responses={(200, XLSX): OpenApiTypes.BINARY})
    def get(self, request: Request) -> HttpResponse:
        return xlsx(sheets.blank(COLUMNS, "信用事实"), "facts-template.xlsx")


urlpatterns = [
    *both_slashes("credit/facts/import", FactImport.as_view(), "facts-import"),
    *both_slashes("credit/facts/import-template.xlsx", FactTemplate.as_view(), "facts-template"),
    *both_slashes("credit/facts/imports/<int:pk>", FactImportDetail.as_view(), "facts-imported"),
    *both_slashes(
        "credit/facts/imports/<int:pk>/errors.xlsx", FactImportErrors.as_view(), "facts-import-errors"
    ),
]
