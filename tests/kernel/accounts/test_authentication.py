"""Device tokens on requests: one statement, no write, and a clear 401."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient, APIRequestFactory

from kernel import clock
from kernel.accounts.authentication import DeviceTokenAuthentication
from kernel.accounts.models import Device, User
from tests.factories.accounts import bearer, make_user, token_for

pytestmark = pytest.mark.django_db


def authenticate(header: str | None) -> Any:
    extra = {} if header is None else {"HTTP_AUTHORIZATION": header}
    return DeviceTokenAuthentication().authenticate(APIRequestFactory().get("/", **extra))


def test_one_statement_and_no_write(django_assert_num_queries: Any) -> None:
    user = make_user()
    token = token_for(user)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found, device = authenticate(f"Bearer {token}")
        assert (found.username, found.name, device.name) == (user.username, user.name, "测试手机")
        assert found.is_authenticated
        assert device.user is found
    assert len(queries) == 1
    assert queries[0]["sql"].startswith("SELECT")


def test_the_token_is_not_in_the_database() -> None:
    token = token_for(make_user())
    device = Device.objects.get()
    assert token not in device.digest
    assert len(device.digest) == 128
    assert device.token_key != token


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Token abc"])
def test_other_schemes_are_left_to_others(header: str | None) -> None:
    assert authenticate(header) is None


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer a b", "Bearer " + "a" * 201, "Bearer \xe9", "Bearer a-b", "bearer 00"]
)
def test_malformed_or_unknown_is_refused(header: str) -> None:
    with pytest.raises(AuthenticationFailed) as refused:
        authenticate(header)
    assert refused.value.get_codes() == "token_invalid"


def test_expiry_is_judged_by_the_database() -> None:
    token = token_for(make_user())
    clock.travel(timedelta(days=89, hours=23))
    assert authenticate(f"Bearer {token}")
    clock.travel(timedelta(hours=2))
    with pytest.raises(AuthenticationFailed) as refused:
        authenticate(f"Bearer {token}")
    assert refused.value.get_codes() == "token_expired"


def test_a_closed_account_is_refused() -> None:
    user = make_user()
    token = token_for(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(AuthenticationFailed, match="停用"):
        authenticate(f"Bearer {token}")


def test_a_revoked_token_is_refused() -> None:
    user = make_user()
    token = token_for(user)
    Device.objects.all().delete()
    with pytest.raises(AuthenticationFailed, match="注销"):
        authenticate(f"Bearer {token}")


@pytest.mark.parametrize("path", ["/api/v1/auth/devices", "/api/v1/auth/devices/"])
def test_401_with_a_challenge_over_http(path: str) -> None:
    client = APIClient()
    for headers in ({}, {"Authorization": "Bearer 00"}):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["type"] == "auth_error"
        assert answer.json()["errors"][0]["detail"]
    assert client.get(path, headers=bearer(make_user())).status_code == 200
