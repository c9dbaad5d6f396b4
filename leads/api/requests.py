"""Endpoints of the side roads that somebody approves: 暂缓、恢复、延期、退单、改类 (API.md)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import StrictSerializer, both_slashes
from leads import pauses, reclassification, rejection
from leads.acts import Expect
from leads.api import serializers as s
from leads.api.views import LeadAct, act_schema, user_of
from leads.models import Lead, RejectReason, Severity, SuspendReason


class SuspendSerializer(StrictSerializer):
    reason = serializers.ChoiceField(choices=SuspendReason.choices)
    until = serializers.DateTimeField(help_text="at most 7 days ahead")
    note = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")


class ResumeSerializer(StrictSerializer):
    note = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")


class ExtendSerializer(StrictSerializer):
    until = serializers.DateTimeField(help_text="later than the clock's due time, by 7 days at most")
    reason = serializers.CharField(max_length=400)
    clock = serializers.ChoiceField(
        choices=[("feedback", "反馈"), ("final", "完整反馈")], required=False, allow_null=True, default=None
    )


class RejectSerializer(StrictSerializer):
    reason = serializers.ChoiceField(choices=RejectReason.choices)
    note = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")
    evidence = s.EvidenceListField(required=False, default=((), ()))


class ReclassifySerializer(StrictSerializer):
    category = serializers.CharField(max_length=3)
    severity = serializers.ChoiceField(
        choices=Severity.choices, required=False, allow_null=True, default=None
    )
    reason = serializers.CharField(max_length=400)


class Suspend(LeadAct):
    """申请暂缓办理: the office's head decides."""

    serializer_class = SuspendSerializer

    @act_schema("suspend", SuspendSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        said = given.validated_data
        return pauses.suspend(
            lead_id=pk,
            by=user_of(request),
            expect=expect,
            reason_kind=SuspendReason(said["reason"]),
            until=said["until"],
            note=said["note"],
        )


class Resume(LeadAct):
    """恢复办理, before the pause ends by itself."""

    serializer_class = ResumeSerializer

    @act_schema("resume", ResumeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return pauses.resume(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class Extend(LeadAct):
    """申请延期: the clock stands still until it is decided, 2 hours at most."""

    serializer_class = ExtendSerializer

    @act_schema("extend", ExtendSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return pauses.extend(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class Reject(LeadAct):
    """提出退单: a grid worker agrees, else the office's head decides."""

    serializer_class = RejectSerializer

    @act_schema("reject", RejectSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        said = given.validated_data
        ids, hashes = said["evidence"]
        return rejection.reject(
            lead_id=pk,
            by=user_of(request),
            expect=expect,
            reason_kind=RejectReason(said["reason"]),
            note=said["note"],
            evidence=ids,
            awaited=hashes,
        )


class Reclassify(LeadAct):
    """改类."""

    serializer_class = ReclassifySerializer

    @act_schema("reclassify", ReclassifySerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        said = given.validated_data
        return reclassification.reclassify(
            lead_id=pk,
            by=user_of(request),
            expect=expect,
            category=said["category"],
            severity=Severity(said["severity"]) if said["severity"] else None,
            reason=said["reason"],
        )


urlpatterns = [
    *both_slashes("leads/<int:pk>/suspend", Suspend.as_view(), "lead-suspend"),
    *both_slashes("leads/<int:pk>/resume", Resume.as_view(), "lead-resume"),
    *both_slashes("leads/<int:pk>/extend", Extend.as_view(), "lead-extend"),
    *both_slashes("leads/<int:pk>/reject", Reject.as_view(), "lead-reject"),
    *both_slashes("leads/<int:pk>/reclassify", Reclassify.as_view(), "lead-reclassify"),
]
