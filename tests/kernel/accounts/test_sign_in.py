"""`auth/` over HTTP: sign in, lock, devices, own password."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient

from kernel import clock
from kernel.accounts import second_factor
from kernel.accounts.models import Device, User
from kernel.journal.models import Entry
from tests.factories.accounts import PASSWORD, bearer, make_user, token_for

pytestmark = pytest.mark.django_db
LOGIN = "/api/v1/auth/login"


def sign_in(
    client: APIClient,
    username: Any = "colleague",
    password: Any = PASSWORD,
    device: Any = "小米 14",
    **extra: Any,
) -> Any:
    return client.post(LOGIN, {"username": username, "password": password, "device_name": device}, **extra)


@pytest.fixture
def client() -> APIClient:
    return APIClient()


@pytest.mark.parametrize("path", [LOGIN, LOGIN + "/"])
def test_a_token_for_ninety_days(client: APIClient, colleague: User, path: str) -> None:
    answer = client.post(path, {"username": "colleague", "password": PASSWORD, "device_name": "小米 14"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["user"] == {
        "id": colleague.pk,
        "username": "colleague",
        "name": "王同事",
        "must_change_password": False,
    }
    device = Device.objects.get(user=colleague)
    assert device.expiry - device.created == timedelta(days=90)
    assert abs(device.created - clock.now()) < timedelta(seconds=1)
    assert device.last_ip == "127.0.0.1"
    assert body["expires_at"].endswith("+08:00")
    headers = {"Authorization": f"Bearer {body['token']}"}
    [listed] = client.get("/api/v1/auth/devices", headers=headers).json()["results"]
    assert (listed["name"], listed["current"]) == ("小米 14", True)
    clock.travel(timedelta(days=91))
    late = client.get("/api/v1/auth/devices", headers=headers)
    assert (late.status_code, late.json()["errors"][0]["code"]) == (401, "token_expired")


def test_the_same_device_name_replaces_its_token(client: APIClient, colleague: User) -> None:
    first, second = sign_in(client).json()["token"], sign_in(client).json()["token"]
    other = sign_in(client, device="平板").json()["token"]
    status = {
        t: client.get("/api/v1/auth/devices", headers={"Authorization": f"Bearer {t}"}).status_code
        for t in (first, second, other)
    }
    assert status == {first: 401, second: 200, other: 200}
    assert Device.objects.filter(user=colleague).count() == 2


def test_failures_say_the_same_to_everybody(
    client: APIClient, colleague: User, outsider: User, journal_of: Any
) -> None:
    User.objects.filter(pk=outsider.pk).update(is_active=False)
    answers = [
        sign_in(client, password="wrong-Pass-1"),
        sign_in(client, "nobody"),
        sign_in(client, "outsider"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0]["WWW-Authenticate"].startswith("Bearer")
    assert "用户名或密码不正确" in answers[0].json()["errors"][0]["detail"]
    assert journal_of(colleague) == journal_of(outsider) == ["sign_in_failed"]
    assert not Device.objects.exists()


def test_five_failures_lock_for_fifteen_minutes(client: APIClient, colleague: User, journal_of: Any) -> None:
    with time_machine.travel("2026-03-02T10:00:00+08:00", tick=False) as traveller:
        statuses = [sign_in(client, password="wrong-Pass-1").status_code for _ in range(5)]
        assert statuses == [401] * 4 + [429]
        traveller.shift(timedelta(minutes=5))
        locked = sign_in(client)
        assert locked.status_code == 429
        assert locked["Retry-After"] == "600"
        [error] = locked.json()["errors"]
        assert error["code"] == "sign_in_locked"
        assert "请 10 分钟后再试" in error["detail"]
        traveller.shift(timedelta(minutes=9, seconds=59))
        assert sign_in(client).status_code == 429
        traveller.shift(timedelta(seconds=2))
        assert sign_in(client).status_code == 200
    assert journal_of(colleague) == ["sign_in_failed"] * 5 + ["sign_in_locked", "signed_in"]


def test_the_lock_is_of_one_person_at_one_address(client: APIClient, colleague: User, outsider: User) -> None:
    for _ in range(5):
        sign_in(client, password="wrong-Pass-1")
    assert sign_in(client).status_code == 429
    assert sign_in(client, "outsider").status_code == 200
    assert sign_in(client, REMOTE_ADDR="10.1.2.3").status_code == 200


def test_a_success_forgets_failures(client: APIClient, colleague: User) -> None:
    for _ in range(3):
        for _ in range(4):
            assert sign_in(client, password="wrong-Pass-1").status_code == 401
        assert sign_in(client).status_code == 200


def test_secrets_are_written_nowhere(client: APIClient, colleague: User) -> None:
    token = sign_in(client).json()["token"]
    sign_in(client, password="wrong-Pass-1")
    kept = [
        str(row)
        for row in [*Entry.objects.values(), *AccessAttempt.objects.values(), *Device.objects.values()]
    ]
    assert kept
    assert not [row for row in kept if PASSWORD in row or "wrong-Pass-1" in row or token in row]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "x",
        None,
        {"username": "a", "password": "b"},
        {"username": "a\0b", "password": "b", "device_name": "c"},
        {"username": "a", "password": "b\0", "device_name": "c"},
        {"username": "a", "password": "b", "device_name": "\0"},
        {"username": "a" * 10_000, "password": "b", "device_name": "c"},
        {"username": "a", "password": "b" * 10_000, "device_name": "c"},
        {"username": "a", "password": "b", "device_name": "c" * 10_000},
        {"username": "\ud800", "password": "b", "device_name": "c"},
        {"username": "a", "password": "b", "device_name": "c", "\ud800": 1},
        {"username": {"a": 1}, "password": ["b"], "device_name": None},
        {"username": "", "password": "", "device_name": ""},
        {"username": "colleague", "password": PASSWORD, "device_name": "c", "is_staff": True},
    ],
)
def test_nonsense_is_400(client: APIClient, colleague: User, body: Any) -> None:
    answer = client.generic("POST", LOGIN, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert answer.json()["type"] == "validation_error"


def test_unknown_fields_are_named(client: APIClient, colleague: User) -> None:
    answer = client.post(LOGIN, {"username": "c", "password": "p", "device_name": "d", "remember": True})
    assert [(e["code"], e["attr"]) for e in answer.json()["errors"]] == [("unknown_field", "remember")]


def test_broken_json_and_other_types(client: APIClient) -> None:
    assert client.generic("POST", LOGIN, "{", content_type="application/json").status_code == 400
    assert client.generic("POST", LOGIN, "x", content_type="text/plain").status_code == 415
    assert client.get(LOGIN).status_code == 405


def test_the_throttle_counts_addresses(client: APIClient, colleague: User, settings: Any) -> None:
    settings.SUOSHE_SIGN_IN_RATE = "3/min"
    assert [sign_in(client, f"nobody-{n}").status_code for n in range(4)] == [401, 401, 401, 429]
    assert sign_in(client)["Retry-After"]
    assert sign_in(client, REMOTE_ADDR="10.1.2.3").status_code == 200


def test_forwarded_addresses_count_only_behind_our_proxy(
    client: APIClient, colleague: User, settings: Any
) -> None:
    sign_in(client, HTTP_X_FORWARDED_FOR="9.9.9.9")
    assert Device.objects.get().last_ip == "127.0.0.1"
    settings.SUOSHE_PROXIES = 1
    sign_in(client, HTTP_X_FORWARDED_FOR="6.6.6.6, 9.9.9.9")
    assert Device.objects.get().last_ip == "9.9.9.9"
    sign_in(client, HTTP_X_FORWARDED_FOR="not-an-address")
    assert Device.objects.get().last_ip is None


@pytest.mark.parametrize("path", ["/api/v1/auth/logout", "/api/v1/auth/logout/"])
def test_logout_ends_this_token_only(client: APIClient, colleague: User, path: str, journal_of: Any) -> None:
    here, there = bearer(colleague, "手机"), bearer(colleague, "平板")
    assert client.post(path, {"all": True}, headers=here).status_code == 400
    assert client.post(path, headers=here).status_code == 204
    assert client.post(path, headers=here).status_code == 401
    assert client.get("/api/v1/auth/devices", headers=there).status_code == 200
    assert journal_of(colleague) == ["signed_out"]


def test_one_revokes_ones_own_devices_only(
    client: APIClient, keeper: User, colleague: User, outsider: User, journal_of: Any
) -> None:
    lost = token_for(colleague, "丢失的手机")
    device = Device.objects.get(user=colleague)
    for other in (outsider, keeper):
        assert client.delete(f"/api/v1/auth/devices/{device.pk}", headers=bearer(other)).status_code == 404
    assert client.delete(f"/api/v1/auth/devices/{device.pk}").status_code == 401
    mine = bearer(colleague, "新手机")
    assert client.delete(f"/api/v1/auth/devices/{device.pk}/", headers=mine).status_code == 204
    assert client.delete(f"/api/v1/auth/devices/{device.pk}", headers=mine).status_code == 404
    assert client.delete(f"/api/v1/auth/devices/{10**30}", headers=mine).status_code == 404
    assert client.get("/api/v1/auth/devices", headers={"Authorization": f"Bearer {lost}"}).status_code == 401
    assert journal_of(colleague) == ["device_revoked"]


def test_own_password(client: APIClient, colleague: User, journal_of: Any) -> None:
    here, there = bearer(colleague, "手机"), bearer(colleague, "平板")
    path = "/api/v1/auth/password"

    def change(old: str, new: str) -> Any:
        return client.post(path, {"old_password": old, "new_password": new}, headers=here)

    assert change("wrong-Pass-1", "New-pass-2027").json()["errors"][0]["code"] == "wrong_password"
    assert change(PASSWORD, "short").json()["errors"][0]["code"] == "password_too_weak"
    assert change(PASSWORD, PASSWORD).json()["errors"][0]["code"] == "password_unchanged"
    assert change(PASSWORD, "New-pass-2027").status_code == 204
    assert client.get("/api/v1/auth/devices", headers=here).status_code == 200
    assert client.get("/api/v1/auth/devices", headers=there).status_code == 401
    assert sign_in(client).status_code == 401
    assert sign_in(client, password="New-pass-2027").status_code == 200
    assert journal_of(colleague)[0] == "password_changed"


def test_a_browser_session_works_for_the_same_endpoints(client: APIClient, colleague: User) -> None:
    client.force_login(colleague)
    assert client.get("/api/v1/auth/devices").status_code == 200
    strict = APIClient(enforce_csrf_checks=True)
    strict.force_login(colleague)
    assert strict.post("/api/v1/auth/logout").status_code == 403
    assert client.post("/api/v1/auth/logout").json()["errors"][0]["code"] == "not_a_device"


def test_names_are_normalised_before_they_are_counted(client: APIClient) -> None:
    make_user("worker")
    assert sign_in(client, "ｗｏｒｋｅｒ").status_code == 200


# --- second factor ---------------------------------------------------------------------------------


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_a_password_alone_gives_an_administrator_no_token(
    client: APIClient, keeper: User, settings: Any
) -> None:
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = True
    assert refused(sign_in(client, "keeper")) == (403, "second_factor_required")
    assert not Device.objects.filter(user=keeper).exists()
    assert sign_in(client, "keeper", "wrong-Pass-1").status_code == 401


def test_who_has_enrolled_shows_a_code_here_too(client: APIClient, colleague: User, journal_of: Any) -> None:
    device = second_factor.begin_enrolment(colleague)
    assert sign_in(client).status_code == 200, "not confirmed: not enrolled"
    device.confirmed = True
    device.save()
    body = {"username": "colleague", "password": PASSWORD, "device_name": "平板"}
    assert refused(sign_in(client)) == (403, "second_factor_required")
    assert refused(client.post(LOGIN, {**body, "code": "000000"})) == (403, "second_factor_failed")
    assert not Device.objects.filter(name="平板").exists()
    assert journal_of(colleague)[-1] == "second_factor_failed"
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    code = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift).token()
    assert client.post(LOGIN, {**body, "code": f"{code:06d}"}).status_code == 200


# --- a password that somebody else has set ---------------------------------------------------------


def test_a_password_set_by_another_is_changed_first(client: APIClient) -> None:
    make_user("fresh", must_change_password=True)
    signed_in = sign_in(client, "fresh").json()
    assert signed_in["user"]["must_change_password"] is True
    headers = {"Authorization": f"Bearer {signed_in['token']}"}
    assert client.get("/api/v1/me", headers=headers).json()["must_change_password"] is True
    for path in ("/api/v1/auth/devices", "/api/v1/notices/", "/api/v1/leads/"):
        assert refused(client.get(path, headers=headers)) == (403, "password_change_required")
    report = client.post("/api/v1/leads/", {}, headers=headers)
    assert refused(report) == (403, "password_change_required")
    assert "修改密码" in report.json()["errors"][0]["detail"]
    new = {"old_password": PASSWORD, "new_password": "Another-pass-2026"}
    assert client.post("/api/v1/auth/password", new, headers=headers).status_code == 204
    assert client.get("/api/v1/leads/", headers=headers).status_code == 200


def test_signing_out_needs_no_new_password(client: APIClient) -> None:
    fresh = make_user("fresh", must_change_password=True)
    assert client.post("/api/v1/auth/logout", {}, headers=bearer(fresh)).status_code == 204


def test_it_holds_for_sessions_too(client: APIClient) -> None:
    fresh = make_user("fresh", must_change_password=True)
    client.force_login(fresh, backend="django.contrib.auth.backends.ModelBackend")
    assert refused(client.get("/api/v1/leads/")) == (403, "password_change_required")
