"""Endpoints of leads (API.md). Each act calls one service; refusals come from there."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any, cast

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.models import Grid
from kernel.accounts.models import User
from kernel.api import CursorPages, etag, require_version
from kernel.errors import Refused
from leads import dispatch, explain, intake, lifecycle, selectors
from leads.acts import Expect
from leads.api import bodies
from leads.api import serializers as s
from leads.api.filters import CategoryFilter, LeadFilter
from leads.models import Category, Lead

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description='`"v<version>"`', required=False
)


def user_of(request: Request) -> User:
    """Who asks: the permission class has made sure that somebody does."""
    return cast(User, request.user)


def answer(lead: Lead, request: Request, code: int = status.HTTP_200_OK) -> Response:
    """The lead as it is now, with its ETag."""
    fresh = selectors.for_list(Lead.objects.filter(pk=lead.pk)).get()
    body = bodies.lead_detail(fresh, user_of(request))
    return Response(body, status=code, headers={"ETag": etag(fresh.version)})


class LeadList(generics.GenericAPIView[Lead]):
    """Report a problem; list what one may see, newest first."""

    pagination_class = CursorPages
    filterset_class = LeadFilter
    ordering_fields = ("id", "reported_at", "closing_due_at")

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Lead.objects.none()
        return Lead.objects.visible_to(user_of(self.request))

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return s.ReportSerializer if self.request.method == "POST" else s.LeadRowOut

    @extend_schema(operation_id="leads_list", responses={200: s.LeadRowOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(selectors.for_list(self.filter_queryset(self.get_queryset())))
        return self.get_paginated_response(bodies.lead_rows(page or []))

    @extend_schema(
        operation_id="leads_report", request=s.ReportSerializer, responses={200: s.LeadOut, 201: s.LeadOut}
    )
    def post(self, request: Request) -> Response:
        given = s.ReportSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        skewed = bool(getattr(request._request, "clock_skewed", False))
        made = intake.report(report=given.report(clock_skewed=skewed), by=user_of(request))
        if not made.created:
            return answer(made.lead, request)
        body = bodies.made(made, user_of(request))
        headers = {"ETag": etag(made.lead.version), "Location": f"/api/v1/leads/{made.lead.pk}/"}
        return Response(body, status=status.HTTP_201_CREATED, headers=headers)


class OneLead(APIView):
    """A lead that the person may see; else 404."""

    def lead(self, pk: int, *, full: bool = False) -> Lead:
        rows = Lead.objects.visible_to(user_of(self.request))
        found = (selectors.for_list(rows) if full else rows).filter(pk=pk).first()
        if found is None:
            raise Http404
        return found


class LeadDetail(OneLead):
    @extend_schema(operation_id="leads_read", responses={200: s.LeadOut})
    def get(self, request: Request, pk: int) -> Response:
        lead = self.lead(pk, full=True)
        return Response(bodies.lead_detail(lead, user_of(request)), headers={"ETag": etag(lead.version)})


class Timeline(OneLead):
    @extend_schema(operation_id="leads_timeline", responses={200: s.TimelineOut})
    def get(self, request: Request, pk: int) -> Response:
        """The journal of the lead, oldest first, with hashes."""
        lead = self.lead(pk)
        return Response({"lead": lead.pk, "entries": [bodies.entry(row) for row in selectors.timeline(lead)]})


class Explain(OneLead):
    @extend_schema(operation_id="leads_explain", responses={200: s.ExplainOut})
    def get(self, request: Request, pk: int) -> Response:
        """Why this grid, this person, these due times."""
        lead = self.lead(pk, full=True)
        told = explain.explain(lead)
        return Response(
            {
                "lead": lead.pk,
                "number": lead.number,
                "grid": lead.grid.code if lead.grid else None,
                "assignee": bodies.person(lead.assignee),
                "routing_reason": lead.routing_reason,
                "deadlines": [
                    {
                        "kind": w.deadline.kind,
                        "cycle": w.deadline.cycle,
                        "state": w.deadline.shown_state,
                        "due_at": bodies.moment(w.deadline.due_at),
                        "text_zh": w.text_zh,
                    }
                    for w in told.clocks
                ],
                "warnings": told.warnings,
                "text_zh": told.text_zh,
            }
        )


class LeadAct(APIView):
    """One act on one lead: read the body, call the service, answer with the lead."""

    serializer_class: type[serializers.Serializer[Any]] = s.NoBody

    def post(self, request: Request, pk: int) -> Response:
        given = self.serializer_class(data=request.data)
        given.is_valid(raise_exception=True)
        return answer(self.act(pk, request, given, partial(require_version, request)), request)

    @abstractmethod
    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        """Call the one service of this act."""


def act_schema(name: str, body: type[serializers.Serializer[Any]]) -> Any:
    """Document one act: its body, `If-Match`, and the lead it answers with."""
    return extend_schema(
        operation_id=f"leads_{name}",
        request=body,
        parameters=[IF_MATCH],
        responses={
            200: s.LeadOut,
            412: OpenApiResponse(description="stale"),
            428: OpenApiResponse(description="If-Match missing"),
        },
    )


class Respond(LeadAct):
    """接单."""

    serializer_class = s.RespondSerializer

    @act_schema("respond", s.RespondSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return lifecycle.respond(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class ConfirmHandover(LeadAct):
    """已知悉."""

    @act_schema("confirm_handover", s.NoBody)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return lifecycle.confirm_handover(lead_id=pk, by=user_of(request), expect=expect)


class Control(LeadAct):
    """已现场处置."""

    serializer_class = s.ControlSerializer

    @act_schema("control", s.ControlSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        ids, hashes = given.validated_data["evidence"]
        return lifecycle.control(
            lead_id=pk,
            by=user_of(request),
            expect=expect,
            note=given.validated_data["note"],
            evidence=ids,
            awaited=hashes,
        )


class Feedback(LeadAct):
    """反馈."""

    serializer_class = s.FeedbackSerializer

    @act_schema("feedback", s.FeedbackSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        ids, hashes = given.validated_data["evidence"]
        return lifecycle.feed_back(
            lead_id=pk,
            by=user_of(request),
            expect=expect,
            outcome=given.outcome(),
            evidence=ids,
            awaited=hashes,
        )


class Verify(LeadAct):
    """核验并办结."""

    serializer_class = s.VerifySerializer

    @act_schema("verify", s.VerifySerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return lifecycle.verify(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class Rework(LeadAct):
    """退回重办."""

    serializer_class = s.ReworkSerializer

    @act_schema("rework", s.ReworkSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return lifecycle.rework(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class Dispatch(LeadAct):
    """人工派单."""

    serializer_class = s.DispatchSerializer

    @act_schema("dispatch", s.DispatchSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        code = given.validated_data["grid"]
        grid_id = None
        if code:
            grid_id = Grid.objects.filter(code=code, is_active=True).values_list("id", flat=True).first()
            if grid_id is None:
                raise Refused("没有这个网格。", code="unknown_grid", attr="grid")
        return dispatch.dispatch(
            lead_id=pk,
            by=user_of(request),
            expect=expect,
            assignee_id=given.validated_data["assignee"],
            grid_id=grid_id,
            reason=given.validated_data["reason"],
        )


class CategoryList(generics.ListAPIView[Category]):
    """The lead catalogue; `?q=老鼠` finds F03."""

    pagination_class = CursorPages
    filterset_class = CategoryFilter
    serializer_class = s.CategoryOut
    ordering = ("code",)
    queryset = Category.objects.filter(is_active=True)
