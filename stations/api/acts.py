"""Acts on one dispute (API.md): each calls one service and answers with the dispute as it is then."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel.accounts.models import User
from kernel.api import both_slashes, require_version
from leads.api.views import IF_MATCH, user_of
from stations import agreements, escalating, official, settling, testing
from stations.acts import Expect
from stations.api import given as g
from stations.api import shapes
from stations.api.disputes import STALE, answer


class DisputeAct(APIView):
    """One act on one dispute: read the body, call the service, answer with the dispute."""

    serializer_class: type[serializers.Serializer[Any]]

    def post(self, request: Request, pk: int) -> Response:
        form = self.serializer_class(data=request.data)
        form.is_valid(raise_exception=True)
        self.act(pk, user_of(request), partial(require_version, request), form)
        return answer(pk, request)

    @abstractmethod
    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        """Call the one service of this act."""


def act_schema(name: str, body: type[serializers.Serializer[Any]]) -> Any:
    """Document one act: its body, `If-Match`, and the dispute it answers with."""
    return extend_schema(
        operation_id=f"disputes_{name}",
        request=body,
        parameters=[IF_MATCH],
        responses={200: shapes.DisputeOut, **STALE},
    )


class Settle(DisputeAct):
    """和解."""

    serializer_class = g.SettleDisputeSerializer

    @act_schema("settle", g.SettleDisputeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        return settling.settle(dispute_id=pk, by=by, expect=expect, **form.validated_data)


class Escalate(DisputeAct):
    """转上一级调解."""

    serializer_class = g.EscalateSerializer

    @act_schema("escalate", g.EscalateSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        return escalating.escalate(dispute_id=pk, by=by, expect=expect, **form.validated_data)


class Fail(DisputeAct):
    """未达成."""

    serializer_class = g.FailDisputeSerializer

    @act_schema("fail", g.FailDisputeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        return settling.fail(dispute_id=pk, by=by, expect=expect, **form.validated_data)


class Withdraw(DisputeAct):
    """撤回."""

    serializer_class = g.WithdrawDisputeSerializer

    @act_schema("withdraw", g.WithdrawDisputeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        return settling.withdraw(dispute_id=pk, by=by, expect=expect, **form.validated_data)


class ToOfficial(DisputeAct):
    """转12315, by the consumer's word."""

    serializer_class = g.ToOfficialSerializer

    @act_schema("to_official", g.ToOfficialSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        return official.to_official(dispute_id=pk, by=by, expect=expect, **form.validated_data)


class Accept(DisputeAct):
    """受理: the office alone."""

    serializer_class = g.AcceptDisputeSerializer

    @act_schema("accept", g.AcceptDisputeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        said = form.validated_data
        return official.accept(
            dispute_id=pk, by=by, expect=expect, conditions=frozenset(said["conditions"]), note=said["note"]
        )


class Refuse(DisputeAct):
    """不予受理: the office alone, on a ground of the law."""

    serializer_class = g.RefuseDisputeSerializer

    @act_schema("refuse", g.RefuseDisputeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        return official.refuse(dispute_id=pk, by=by, expect=expect, **form.validated_data)


class BeginTesting(DisputeAct):
    """检定、检验、检测、鉴定: the limit of mediation stands still."""

    serializer_class = g.BeginTestingSerializer

    @act_schema("testing", g.BeginTestingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        return testing.begin_testing(dispute_id=pk, by=by, expect=expect, **form.validated_data)


class EndTesting(DisputeAct):
    """The result is there: the clock runs on."""

    serializer_class = g.EndTestingSerializer

    @act_schema("testing_end", g.EndTestingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        return testing.end_testing(dispute_id=pk, by=by, expect=expect, **form.validated_data)


class Agree(DisputeAct):
    """签订调解协议: the signatures as data URLs (`data:image/png;base64,…`)."""

    serializer_class = g.AgreeSerializer

    @act_schema("agree", g.AgreeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        return agreements.agree(
            dispute_id=pk,
            by=by,
            expect=expect,
            client_uid=form.validated_data["client_uid"],
            given=form.agreed(),
            signatures=form.drawn(),
        )


class Perform(DisputeAct):
    """核实履行."""

    serializer_class = g.PerformSerializer

    @act_schema("perform", g.PerformSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, form: Any) -> object:
        said = form.validated_data
        return agreements.perform(
            dispute_id=pk,
            by=by,
            expect=expect,
            performed=said["performed"],
            note=said["note"],
            to_official=form.word(),
        )


ACTS: dict[str, type[DisputeAct]] = {
    "settle": Settle,
    "escalate": Escalate,
    "fail": Fail,
    "withdraw": Withdraw,
    "to-official": ToOfficial,
    "accept": Accept,
    "refuse": Refuse,
    "testing": BeginTesting,
    "testing/end": EndTesting,
    "agree": Agree,
    "perform": Perform,
}
urlpatterns = [
    one
    for name, view in ACTS.items()
    for one in both_slashes(f"disputes/<int:pk>/{name}", view.as_view(), f"dispute-{name.replace('/', '-')}")
]
