"""Endpoints of the scheme's drafts: draft, edit, try, put in force, drop (the bureau's)."""

from __future__ import annotations

from functools import partial
from typing import Any

import django_filters as filters
from django.db.models import F, Func, JSONField, Value
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credit import schemes, trial
from credit.api import bodies, shapes
from credit.api.asked import IF_MATCH
from credit.api.standing import user_of
from credit.models import CreditScheme
from credit.models.scheme import sees_drafts
from credit.scheme import SchemeError
from kernel.api import CursorPages, both_slashes, etag, require_version
from kernel.api.downloads import XLSX, xlsx


class WithoutMovers(Func):
    """A trial without its long list: that is downloaded as a sheet."""

    template = "(%(expressions)s)"
    arg_joiner = " - "
    output_field = JSONField()


def answer(number: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    rows = CreditScheme.objects.visible_to(user_of(request)).select_related("drafted_by", "decided_by")
    shown = rows.defer("trial").annotate(shown=WithoutMovers(F("trial"), Value("movers")))
    row = shown.filter(pk=number).first()
    if row is None:
        raise Http404
    body = bodies.scheme(row, trial=row.__dict__["shown"] if sees_drafts(request.user) else None)
    return Response(body, status=code, headers={"ETag": etag(row.revision)})


def _schema(operation: str, body: type[serializers.Serializer[Any]], **more: Any) -> Any:
    return extend_schema(
        operation_id=operation,
        request=body,
        parameters=[IF_MATCH],
        responses={
            200: shapes.SchemeOut,
            412: OpenApiResponse(description="stale"),
            428: OpenApiResponse(description="If-Match missing"),
            **more.get("responses", {}),
        },
    )


class SchemeFilter(filters.FilterSet):
    state = filters.MultipleChoiceFilter(choices=CreditScheme.State.choices, label="状态")

    class Meta:
        model = CreditScheme
        fields: list[str] = []


class SchemeList(generics.GenericAPIView[CreditScheme]):
    """Every version that one may see, newest first; begin a draft."""

    pagination_class = CursorPages
    filterset_class = SchemeFilter

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return CreditScheme.objects.none()
        rows = CreditScheme.objects.visible_to(user_of(self.request)).defer("trial", "rules")
        return rows.select_related("drafted_by", "decided_by")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return shapes.DraftSerializer if self.request.method == "POST" else shapes.SchemeRowOut

    @extend_schema(operation_id="credit_schemes_list", responses={200: shapes.SchemeRowOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([bodies.scheme_row(row) for row in page or []])

    @extend_schema(
        operation_id="credit_schemes_draft",
        request=shapes.DraftSerializer,
        responses={201: shapes.SchemeOut},
    )
    def post(self, request: Request) -> Response:
        given = shapes.DraftSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = schemes.draft(by=user_of(request), **given.validated_data)
        return answer(row.pk, request, status.HTTP_201_CREATED)


class SchemeDetail(APIView):
    @extend_schema(operation_id="credit_schemes_read", responses={200: shapes.SchemeOut})
    def get(self, request: Request, pk: int) -> Response:
        return answer(pk, request)

    @_schema(
        "credit_schemes_edit",
        shapes.EditSchemeSerializer,
        responses={422: shapes.SchemeFaultsOut},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change a draft. 422 names everything that is wrong with the rules, at once."""
        given = shapes.EditSchemeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            schemes.edit(
                scheme_id=pk,
                by=user_of(request),
                expect=partial(require_version, request),
                changes=schemes.Changes(**given.validated_data),
            )
        except SchemeError as wrong:
            return Response(faults(wrong), status=wrong.status)
        return answer(pk, request)


def faults(wrong: SchemeError) -> dict[str, Any]:
    """One error a fault, in the API's one shape."""
    return {
        "type": "domain_error",
        "errors": [
            {"code": wrong.code, "detail": f"{one.label}{one.message}。", "attr": f"rules.{one.path}"}
            for one in wrong.faults
        ],
    }


class SchemeTrial(APIView):
    """试算: answered at once, made within seconds; ask again by GET until `trial_asked_at` is empty."""

    @_schema("credit_schemes_trial", shapes.CreditActSerializer)
    def post(self, request: Request, pk: int) -> Response:
        shapes.CreditActSerializer(data=request.data).is_valid(raise_exception=True)
        schemes.ask_trial(scheme_id=pk, by=user_of(request), expect=partial(require_version, request))
        return answer(pk, request)


class SchemePutInForce(APIView):
    """施行, by somebody who did not write at it."""

    @_schema("credit_schemes_put_in_force", shapes.CreditActSerializer)
    def post(self, request: Request, pk: int) -> Response:
        shapes.CreditActSerializer(data=request.data).is_valid(raise_exception=True)
        schemes.put_in_force(scheme_id=pk, by=user_of(request), expect=partial(require_version, request))
        return answer(pk, request)


class SchemeDrop(APIView):
    """放弃 a draft."""

    @_schema("credit_schemes_drop", shapes.CreditReasonSerializer)
    def post(self, request: Request, pk: int) -> Response:
        given = shapes.CreditReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        schemes.drop(
            scheme_id=pk,
            by=user_of(request),
            expect=partial(require_version, request),
            reason=given.validated_data["reason"],
        )
        return answer(pk, request)


class TrialSheet(APIView):
    @extend_schema(
        operation_id="credit_schemes_trial_xlsx",
        responses={(200, XLSX): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Who would move, as .xlsx."""
        row = CreditScheme.objects.visible_to(user_of(request)).filter(pk=pk).first()
        if row is None or row.trial is None or not sees_drafts(user_of(request)):
            raise Http404
        return xlsx(trial.sheet(row.trial), f"credit-trial-{row.version}.xlsx")


urlpatterns = [
    *both_slashes("credit/schemes", SchemeList.as_view(), "credit-schemes"),
    *both_slashes("credit/schemes/<int:pk>", SchemeDetail.as_view(), "credit-scheme-version"),
    *both_slashes("credit/schemes/<int:pk>/trial", SchemeTrial.as_view(), "credit-scheme-trial"),
    *both_slashes("credit/schemes/<int:pk>/trial.xlsx", TrialSheet.as_view(), "credit-scheme-trial-xlsx"),
    *both_slashes(
        "credit/schemes/<int:pk>/put-in-force", SchemePutInForce.as_view(), "credit-scheme-put-in-force"
    ),
    *both_slashes("credit/schemes/<int:pk>/drop", SchemeDrop.as_view(), "credit-scheme-drop"),
]
