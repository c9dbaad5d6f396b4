"""`auth/`: sign in and out on a device, own devices, own password (API.md)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel import clock
from kernel.accounts import administration, second_factor, sign_in
from kernel.accounts.addresses import client_ip
from kernel.accounts.api.serializers import (
    DeviceSerializer,
    NothingSerializer,
    PasswordSerializer,
    SignedInSerializer,
    SignInSerializer,
)
from kernel.accounts.api.throttles import SignInThrottle
from kernel.accounts.locks import locked_sentence
from kernel.accounts.models import Device, User
from kernel.errors import Conflict

__all__ = ["DeviceList", "DeviceView", "Login", "Logout", "Password"]


class SignInLocked(APIException):
    """429 with `Retry-After`: five failures, 15 minutes."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "sign_in_locked"

    def __init__(self, seconds: int) -> None:
        super().__init__(locked_sentence(seconds))
        self.wait = seconds


class Login(APIView):
    """Sign in on a device. The same device name again replaces that device's token.

    A wrong name, a wrong password and a closed account answer the same 401. Five failures of one
    name from one address lock the pair for 15 minutes (429, `Retry-After`). Whose account needs a second
    factor gives its `code` too (403 `second_factor_required`, `second_factor_failed`).
    """

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_classes = [SignInThrottle]

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'  # makes the failure a 401 although nothing authenticates here

    @extend_schema(
        operation_id="auth_login", request=SignInSerializer, responses={200: SignedInSerializer}, auth=[]
    )
    def post(self, request: Request) -> Response:
        body = SignInSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given, at = body.validated_data, clock.now()
        outcome = sign_in.check_password(
            request=request._request,
            username=given["username"],
            password=given["password"],
            via="device",
            at=at,
        )
        if outcome.locked_for:
            raise SignInLocked(outcome.locked_for)
        if outcome.user is None:
            raise AuthenticationFailed("用户名或密码不正确，或者账号已停用。", code="sign_in_failed")
        second_factor.demand(user=outcome.user, code=given.get("code", ""), at=at)
        device, token = sign_in.sign_in_device(
            user=outcome.user, device_name=given["device_name"], ip=client_ip(request._request), at=at
        )
        answer = {"token": token, "expires_at": device.expiry, "user": outcome.user}
        return Response(SignedInSerializer(answer).data)


class Logout(APIView):
    """End the token that asks."""

    before_password_change = True

    @extend_schema(
        operation_id="auth_logout", request=None, responses={204: OpenApiResponse(description="已退出登录")}
    )
    def post(self, request: Request) -> Response:
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        device = _asking_device(request)
        if device is None:
            raise Conflict("您是在浏览器中登录的，请在管理后台退出。", code="not_a_device")
        user = _user(request)
        sign_in.revoke_device(user=user, device_id=device.pk, by=user, at=clock.now(), kind="signed_out")
        return Response(status=status.HTTP_204_NO_CONTENT)


class DeviceList(generics.ListAPIView[Device]):
    """One's own devices, the latest sign-in first."""

    serializer_class = DeviceSerializer
    filter_backends: list[Any] = []

    def get_queryset(self) -> Any:
        return Device.objects.visible_to(self.request.user)


class DeviceView(APIView):
    """One of one's own devices."""

    @extend_schema(
        operation_id="auth_devices_destroy", responses={204: OpenApiResponse(description="已注销该设备")}
    )
    def delete(self, request: Request, pk: int) -> Response:
        user = _user(request)
        sign_in.revoke_device(user=user, device_id=pk, by=user, at=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class Password(APIView):
    """Change one's own password; every other device is signed out, the asking one stays."""

    before_password_change = True
    throttle_classes = [SignInThrottle]

    @extend_schema(
        operation_id="auth_password",
        request=PasswordSerializer,
        responses={204: OpenApiResponse(description="密码已修改")},
    )
    def post(self, request: Request) -> Response:
        body = PasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        administration.change_own_password(
            user=_user(request),
            old_password=body.validated_data["old_password"],
            password=body.validated_data["new_password"],
            keep=_asking_device(request),
            at=clock.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _user(request: Request) -> User:
    user = request.user
    assert isinstance(user, User)  # noqa: S101  IsAuthenticated has seen to it
    return user


def _asking_device(request: Request) -> Device | None:
    return request.auth if isinstance(request.auth, Device) else None
