"""The admin's way in, through the real pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from kernel.accounts import second_factor
from kernel.accounts.models import User
from tests.factories.accounts import PASSWORD, make_user, token_for

pytestmark = pytest.mark.django_db
LOGIN, INDEX = "/admin/login/", "/admin/"
SECOND, ENROL = "/admin/second-factor/", "/admin/second-factor/enrol/"


def sign_in(
    client: Client, username: str = "colleague", password: str = PASSWORD, path: str = LOGIN, **extra: Any
) -> Any:
    return client.post(path, {"username": username, "password": password}, **extra)


def code_of(device: TOTPDevice, at: float | None = None) -> str:
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    if at is not None:
        totp.time = at
    return f"{totp.token():06d}"


def inside(client: Client) -> bool:
    return client.get(INDEX).status_code == 200


def test_a_stranger_is_sent_to_the_sign_in_page(client: Client) -> None:
    answer = client.get(INDEX)
    assert (answer.status_code, answer["Location"]) == (302, f"{LOGIN}?next={INDEX}")
    assert "用户名" in client.get(LOGIN).content.decode()


def test_name_and_password_are_enough_where_nothing_more_is_asked(
    client: Client, colleague: User, journal_of: Any
) -> None:
    answer = sign_in(client)
    assert (answer.status_code, answer["Location"]) == (302, INDEX)
    assert inside(client)
    assert client.get(LOGIN)["Location"] == INDEX
    colleague.refresh_from_db()
    assert colleague.signed_in_at is not None
    assert client.post("/admin/logout/").status_code == 200
    assert not inside(client)
    assert journal_of(colleague) == ["signed_in", "signed_out"]


def test_the_next_page_is_ours_or_none(client: Client, colleague: User) -> None:
    assert sign_in(client, path=f"{LOGIN}?next=/admin/accounts/user/")["Location"] == "/admin/accounts/user/"
    client.logout()
    assert sign_in(client, path=f"{LOGIN}?next=https://evil.example/")["Location"] == INDEX


def test_wrong_password_phone_only_and_closed_accounts_stay_out(
    client: Client, colleague: User, outsider: User
) -> None:
    page = sign_in(client, password="wrong-Pass-1").content.decode()
    assert "用户名或密码不正确" in page
    assert "没有管理后台权限" in sign_in(client, "outsider").content.decode()
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    assert "用户名或密码不正确" in sign_in(client).content.decode()
    assert not inside(client)


def test_the_lock_is_said_in_the_page(client: Client, colleague: User) -> None:
    for _ in range(4):
        assert sign_in(client, password="wrong-Pass-1").status_code == 200
    for password in ("wrong-Pass-1", PASSWORD):
        locked = sign_in(client, password=password)
        assert locked.status_code == 429
        assert 890 <= int(locked["Retry-After"]) <= 900
        page = locked.content.decode()
        assert "账号已暂时锁定，请 15 分钟后再试" in page
        assert 'id="login-form"' in page
    with time_machine.travel(timedelta(minutes=16)):
        assert sign_in(client).status_code == 302


@pytest.mark.parametrize(
    ("username", "password"), [("a\0b", "x"), ("a" * 10_000, "x"), ("a", "x" * 10_000), ("", "")]
)
def test_nonsense_is_answered_with_the_form(client: Client, username: str, password: str) -> None:
    answer = sign_in(client, username, password)
    assert answer.status_code == 200
    assert 'id="login-form"' in answer.content.decode()


def test_a_request_without_the_csrf_token_is_refused(colleague: User) -> None:
    assert sign_in(Client(enforce_csrf_checks=True)).status_code == 403


# --- the second factor -------------------------------------------------------------------------


@pytest.fixture
def strict(settings: Any) -> None:
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = True


def enrolled(user: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=user, name="身份验证器", confirmed=True)


def test_an_administrator_must_enrol_before_he_is_in(
    client: Client, keeper: User, strict: None, journal_of: Any
) -> None:
    answer = sign_in(client, "keeper")
    assert answer["Location"] == ENROL
    assert not inside(client)
    assert client.get("/api/v1/auth/devices").status_code == 401
    page = client.get(ENROL)
    text = page.content.decode()
    assert "<svg" in text
    assert "系统管理员登录须进行二次验证" in text
    assert page["Cache-Control"] == "no-store" or "no-store" in page["Cache-Control"]
    device = TOTPDevice.objects.get(user=keeper)
    assert second_factor.spelled(device) in text
    assert client.get(ENROL).content.decode().count("<svg") == text.count("<svg")
    assert TOTPDevice.objects.count() == 1
    codes_page = client.post(ENROL, {"code": code_of(device)}).content.decode()
    codes = list(StaticToken.objects.values_list("token", flat=True))
    assert len(codes) == 8
    assert all(code in codes_page for code in codes)
    assert inside(client)
    assert journal_of(keeper) == ["second_factor_enrolled", "signed_in"]


def test_a_wrong_first_code_binds_nothing(client: Client, keeper: User, strict: None) -> None:
    sign_in(client, "keeper")
    client.get(ENROL)
    assert "验证码不正确" in client.post(ENROL, {"code": "000000"}).content.decode()
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    assert not inside(client)


def test_the_second_step_opens_the_door(client: Client, keeper: User, strict: None, journal_of: Any) -> None:
    device = enrolled(keeper)
    assert sign_in(client, "keeper", path=f"{LOGIN}?next=/admin/accounts/user/")["Location"] == SECOND
    assert not inside(client)
    assert "6 位数字" in client.get(SECOND).content.decode()
    answer = client.post(SECOND, {"code": code_of(device)})
    assert answer["Location"] == "/admin/accounts/user/"
    assert client.get("/admin/accounts/user/").status_code == 200
    assert client.get("/api/v1/auth/devices").status_code == 200
    assert journal_of(keeper) == ["signed_in"]


def test_a_code_works_once_and_haste_is_refused(keeper: User, strict: None, journal_of: Any) -> None:
    device = enrolled(keeper)
    with time_machine.travel("2026-03-02T10:00:00+08:00", tick=False) as traveller:
        code = code_of(device)
        first, second = Client(), Client()
        for client in (first, second):
            sign_in(client, "keeper")
        assert first.post(SECOND, {"code": code}).status_code == 302
        assert "验证码不正确" in second.post(SECOND, {"code": code}).content.decode()
        assert "请 1 秒后再试" in second.post(SECOND, {"code": code}).content.decode()
        traveller.shift(timedelta(seconds=31))
        assert second.post(SECOND, {"code": code_of(device)}).status_code == 302
    assert journal_of(keeper) == ["signed_in", "second_factor_failed", "signed_in"]


def test_a_recovery_code_works_once(client: Client, keeper: User, strict: None, journal_of: Any) -> None:
    waiting = second_factor.begin_enrolment(keeper)
    from kernel import clock

    done = second_factor.confirm_enrolment(user=keeper, code=code_of(waiting), at=clock.now())
    assert done is not None
    spare = done.recovery_codes[0]
    sign_in(client, "keeper")
    assert client.post(SECOND, {"code": f" {spare.upper()} "}).status_code == 302
    again = Client()
    sign_in(again, "keeper")
    assert again.post(SECOND, {"code": spare}).status_code == 200
    assert not inside(again)
    assert journal_of(keeper) == [
        "second_factor_enrolled",
        "recovery_code_used",
        "signed_in",
        "second_factor_failed",
    ]


def test_the_first_step_alone_cannot_bind_another_device(client: Client, keeper: User, strict: None) -> None:
    enrolled(keeper)
    sign_in(client, "keeper")
    assert client.get(ENROL)["Location"] == SECOND
    assert client.post(ENROL, {"code": "123456"})["Location"] == SECOND
    assert TOTPDevice.objects.count() == 1


def test_the_first_step_is_forgotten_after_ten_minutes(client: Client, keeper: User, strict: None) -> None:
    device = enrolled(keeper)
    sign_in(client, "keeper")
    with time_machine.travel(timedelta(minutes=11)):
        assert client.post(SECOND, {"code": code_of(device)})["Location"] == LOGIN
    stranger = Client()
    assert stranger.get(SECOND)["Location"] == LOGIN
    assert stranger.get(ENROL)["Location"] == LOGIN


def test_others_may_enrol_and_are_then_asked(client: Client, colleague: User, strict: None) -> None:
    sign_in(client)
    assert inside(client)
    page = client.get(ENROL).content.decode()
    assert "返回工作台" in page
    device = TOTPDevice.objects.get(user=colleague)
    assert client.post(ENROL, {"code": code_of(device)}).status_code == 200
    assert inside(client)
    assert "原来的绑定和恢复码作废" in client.get(ENROL).content.decode()
    other = Client()
    assert sign_in(other)["Location"] == SECOND


def test_a_new_right_asks_for_the_factor_at_the_next_request(
    client: Client, colleague: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kernel.accounts import rights

    sign_in(client)
    assert inside(client)
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = True
    monkeypatch.setattr(rights, "_tests", [lambda asked: asked.pk == colleague.pk])
    assert client.get(INDEX)["Location"].startswith(LOGIN)
    assert client.get(LOGIN)["Location"] == ENROL
    assert client.get(ENROL).status_code == 200
    assert not inside(client)


def test_the_demo_does_not_ask(client: Client, keeper: User) -> None:
    assert sign_in(client, "keeper")["Location"] == INDEX


# --- sessions ----------------------------------------------------------------------------------


def test_thirty_idle_minutes_end_the_session(client: Client, colleague: User, journal_of: Any) -> None:
    with time_machine.travel("2026-03-02T10:00:00+08:00", tick=False) as traveller:
        sign_in(client)
        for _ in range(3):
            traveller.shift(timedelta(minutes=29))
            assert inside(client)
        traveller.shift(timedelta(minutes=31))
        answer = client.get(INDEX, follow=True)
    assert "您已超过 30 分钟没有操作，请重新登录" in answer.content.decode()
    assert answer.redirect_chain[-1][0].startswith(LOGIN)
    assert journal_of(colleague) == ["signed_in", "signed_out"]


def test_pages_that_refresh_themselves_are_no_presence(client: Client, colleague: User) -> None:
    with time_machine.travel("2026-03-02T10:00:00+08:00", tick=False) as traveller:
        sign_in(client)
        for _ in range(6):
            traveller.shift(timedelta(minutes=5))
            assert client.get("/api/v1/auth/devices").status_code == 200
        traveller.shift(timedelta(minutes=1))
        assert client.get("/api/v1/auth/devices").status_code == 401


def test_a_device_token_needs_no_session(
    client: Client, colleague: User, django_assert_num_queries: Any
) -> None:
    headers = {"Authorization": f"Bearer {token_for(colleague)}"}
    with django_assert_num_queries(2):
        assert client.get("/api/v1/auth/devices", headers=headers).status_code == 200


def test_closing_an_account_ends_its_session(client: Client, colleague: User) -> None:
    sign_in(client)
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    assert not inside(client)


def test_cookies_are_guarded(client: Client, colleague: User, settings: Any) -> None:
    cookie = sign_in(client).cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"]  # ends with the browser


def test_a_password_set_by_others_is_changed_first(client: Client, journal_of: Any) -> None:
    user = make_user("fresh", is_staff=True, must_change_password=True)
    old = {"Authorization": f"Bearer {token_for(user)}"}
    sign_in(client, "fresh")
    assert client.get(INDEX)["Location"] == "/admin/password_change/"
    page = client.get("/admin/password_change/").content.decode()
    assert "请先修改密码" in page
    form = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert "新密码不能与原密码相同" in client.post("/admin/password_change/", form).content.decode()
    form |= {"new_password1": "abc", "new_password2": "abc"}
    assert "密码至少 10 位" in client.post("/admin/password_change/", form).content.decode()
    form |= {"new_password1": "New-pass-2027", "new_password2": "New-pass-2027"}
    assert client.post("/admin/password_change/", form).status_code == 302
    assert inside(client)
    assert client.get("/api/v1/auth/devices", headers=old).status_code == 401
    assert journal_of(user) == ["signed_in", "password_changed"]
