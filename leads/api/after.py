"""Endpoints of the side roads that need no approval, and of the time after closing (API.md)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import StrictSerializer, both_slashes
from leads import case_numbers, interim, merging, rechecks, recusal, referral, reopening, settling
from leads.acts import Expect
from leads.api import serializers as s
from leads.api.views import LeadAct, act_schema, user_of
from leads.models import Lead


class InterimSerializer(StrictSerializer):
    done = serializers.CharField(max_length=1000)
    remaining = serializers.CharField(max_length=1000)
    final_due_at = serializers.DateTimeField()


class ReasonSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class MergeSerializer(StrictSerializer):
    into = serializers.IntegerField(min_value=1, max_value=s.BIGGEST)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ReceiptSerializer(StrictSerializer):
    number = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")


class ReplySerializer(StrictSerializer):
    reply = serializers.CharField(max_length=2000)


class CaseNumberSerializer(StrictSerializer):
    case_number = serializers.CharField(max_length=60)


class CorrectionSerializer(StrictSerializer):
    note = serializers.CharField(max_length=2000)
    evidence = s.EvidenceListField(required=False, default=((), ()))


class RecheckSerializer(CorrectionSerializer):
    passed = serializers.BooleanField()
    countersigned_by = serializers.IntegerField(
        min_value=1,
        max_value=s.BIGGEST,
        required=False,
        allow_null=True,
        default=None,
        help_text="whom to ask; any grid worker of the grid may countersign",
    )


class CountersignSerializer(StrictSerializer):
    agree = serializers.BooleanField(required=False, default=True)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Settle(LeadAct):
    """即知即改: respond, control and feed back in one tap."""

    serializer_class = s.FeedbackSerializer

    @act_schema("settle", s.FeedbackSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        ids, hashes = given.validated_data["evidence"]
        outcome = given.outcome()
        return settling.settle(
            lead_id=pk, by=user_of(request), expect=expect, outcome=outcome, evidence=ids, awaited=hashes
        )


class InterimFeedback(LeadAct):
    """阶段反馈; a second or longer one waits for the office head's approval."""

    serializer_class = InterimSerializer

    @act_schema("interim_feedback", InterimSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        said = interim.Interim(**given.validated_data)
        return interim.give(lead_id=pk, by=user_of(request), expect=expect, interim=said)


class Recuse(LeadAct):
    """回避."""

    serializer_class = ReasonSerializer

    @act_schema("recuse", ReasonSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return recusal.recuse(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class Merge(LeadAct):
    """并单: merge this lead into another that tells of the same thing."""

    serializer_class = MergeSerializer

    @act_schema("merge", MergeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        said = given.validated_data
        return merging.merge(
            lead_id=pk, by=user_of(request), expect=expect, into_id=said["into"], reason=said["reason"]
        )


class Unmerge(LeadAct):
    """撤销并单."""

    serializer_class = ReasonSerializer

    @act_schema("unmerge", ReasonSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return merging.unmerge(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class Receipt(LeadAct):
    """移交回执."""

    serializer_class = ReceiptSerializer

    @act_schema("receipt", ReceiptSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return referral.enter_receipt(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class Reply(LeadAct):
    """移交答复."""

    serializer_class = ReplySerializer

    @act_schema("reply", ReplySerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        text = given.validated_data["reply"]
        return referral.enter_reply(lead_id=pk, by=user_of(request), expect=expect, text=text)


class CaseNumber(LeadAct):
    """补登案件编号: of a penalty that was filed before it had one; once."""

    serializer_class = CaseNumberSerializer

    @act_schema("case_number", CaseNumberSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        number = given.validated_data["case_number"]
        return case_numbers.enter(lead_id=pk, by=user_of(request), expect=expect, number=number)


class Correction(LeadAct):
    """整改证明."""

    serializer_class = CorrectionSerializer

    @act_schema("correction", CorrectionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        ids, hashes = given.validated_data["evidence"]
        note = given.validated_data["note"]
        return rechecks.correct(
            lead_id=pk, by=user_of(request), expect=expect, note=note, evidence=ids, awaited=hashes
        )


class Recheck(LeadAct):
    """复查; "passed" takes effect with a grid worker's countersignature."""

    serializer_class = RecheckSerializer

    @act_schema("recheck", RecheckSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        said = given.validated_data
        ids, hashes = said["evidence"]
        return rechecks.recheck(
            lead_id=pk,
            by=user_of(request),
            expect=expect,
            passed=said["passed"],
            note=said["note"],
            evidence=ids,
            awaited=hashes,
            countersigner_id=said["countersigned_by"],
        )


class Countersign(LeadAct):
    """复查会签."""

    serializer_class = CountersignSerializer

    @act_schema("recheck_countersign", CountersignSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return rechecks.countersign(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class Reopen(LeadAct):
    """重新办理."""

    serializer_class = ReasonSerializer

    @act_schema("reopen", ReasonSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return reopening.reopen(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


urlpatterns = [
    *both_slashes("leads/<int:pk>/settle", Settle.as_view(), "lead-settle"),
    *both_slashes("leads/<int:pk>/interim-feedback", InterimFeedback.as_view(), "lead-interim-feedback"),
    *both_slashes("leads/<int:pk>/recuse", Recuse.as_view(), "lead-recuse"),
    *both_slashes("leads/<int:pk>/merge", Merge.as_view(), "lead-merge"),
    *both_slashes("leads/<int:pk>/unmerge", Unmerge.as_view(), "lead-unmerge"),
    *both_slashes("leads/<int:pk>/case-number", CaseNumber.as_view(), "lead-case-number"),
    *both_slashes("leads/<int:pk>/receipt", Receipt.as_view(), "lead-receipt"),
    *both_slashes("leads/<int:pk>/reply", Reply.as_view(), "lead-reply"),
    *both_slashes("leads/<int:pk>/correction", Correction.as_view(), "lead-correction"),
    *both_slashes("leads/<int:pk>/recheck", Recheck.as_view(), "lead-recheck"),
    *both_slashes("leads/<int:pk>/recheck/countersign", Countersign.as_view(), "lead-recheck-countersign"),
    *both_slashes("leads/<int:pk>/reopen", Reopen.as_view(), "lead-reopen"),
]
