"""What an administrator does to accounts: services, and the pages that call them. Three personas."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient

from kernel import clock
from kernel.accounts import administration, rights, second_factor
from kernel.accounts.models import Device, User
from kernel.accounts.reveal import reveal
from kernel.errors import Conflict, DomainError, Malformed, NotAllowed, Refused
from kernel.journal.models import Entry
from tests.factories.accounts import PASSWORD, bearer, make_user, token_for

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"


@pytest.fixture
def page(client: Client, keeper: User) -> Client:
    client.force_login(keeper)
    return client


SERVICES = [
    administration.deactivate,
    administration.activate,
    administration.unlock,
    administration.revoke_all,
    second_factor.reset,
]


@pytest.mark.parametrize("service", SERVICES)
def test_only_administrators(service: Any, keeper: User, colleague: User, outsider: User) -> None:
    for by in (colleague, outsider):
        with pytest.raises(NotAllowed):
            service(user=outsider, by=by, at=clock.now())
    service(user=outsider, by=keeper, at=clock.now())
    keeper.is_active = False
    with pytest.raises(NotAllowed):
        service(user=outsider, by=keeper, at=clock.now())


def test_nobody_may_before_an_app_registers_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "_tests", [])
    assert not rights.may_administer(make_user(is_staff=True))
    monkeypatch.setattr(rights, "_makers", [])
    with pytest.raises(Conflict):
        rights.make_administrator(make_user(), clock.now())


def test_registering_twice_is_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "_tests", [])

    def test(user: User) -> bool:
        return True

    assert rights.register_administrator_test(test) is test
    rights.register_administrator_test(test)
    assert rights._tests == [test]


def test_deactivating_ends_tokens_and_is_once(keeper: User, colleague: User, journal_of: Any) -> None:
    headers = bearer(colleague)
    for _ in range(2):
        administration.deactivate(user=colleague, by=keeper, at=clock.now())
    assert APIClient().get("/api/v1/auth/devices", headers=headers).status_code == 401
    assert not Device.objects.filter(user=colleague).exists()
    for _ in range(2):
        administration.activate(user=colleague, by=keeper, at=clock.now())
    assert journal_of(colleague) == ["deactivated", "activated"]
    with pytest.raises(Conflict, match="自己"):
        administration.deactivate(user=keeper, by=keeper, at=clock.now())
    with pytest.raises(Refused, match="自己"):
        second_factor.reset(user=keeper, by=keeper, at=clock.now())


def test_setting_a_password(keeper: User, colleague: User, journal_of: Any) -> None:
    token_for(colleague)
    at = clock.now()
    with pytest.raises(NotAllowed):
        administration.set_password(user=colleague, password="New-pass-2027", by=colleague, at=at)
    with pytest.raises(Refused, match="密码至少 10 位"):
        administration.set_password(user=colleague, password="short", by=keeper, at=at)
    administration.set_password(user=colleague, password="New-pass-2027", by=keeper, at=at)
    colleague.refresh_from_db()
    assert colleague.check_password("New-pass-2027")
    assert colleague.must_change_password
    assert not colleague.devices.exists()
    assert journal_of(colleague) == ["password_set"]


# --- reveal ------------------------------------------------------------------------------------


def test_a_reveal_is_logged_and_the_log_holds_no_number(keeper: User, outsider: User) -> None:
    shown = reveal(user=outsider, field="phone", reason=" 核实值班联系方式 ", by=keeper, at=clock.now())
    assert shown == outsider.phone
    entry = Entry.objects.get(stream=f"user:{outsider.pk}")
    assert (entry.kind, entry.actor_id, entry.actor_name) == (
        "personal_field_revealed",
        keeper.pk,
        keeper.name,
    )
    assert entry.data == {"field": "phone", "reason": "核实值班联系方式"}
    assert outsider.phone not in str(entry.data)


@pytest.mark.parametrize(
    ("field", "reason", "refusal"),
    [
        ("phone", "看", Refused),
        ("phone", " " * 20, Refused),
        ("phone", "看" * 201, Refused),
        ("password", "核实联系方式", Malformed),
    ],
)
def test_a_reveal_needs_a_reason_and_a_known_field(
    keeper: User, outsider: User, field: str, reason: str, refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        reveal(user=outsider, field=field, reason=reason, by=keeper, at=clock.now())
    assert not Entry.objects.exists()


def test_numbers_in_the_reason_are_masked_for_ever(keeper: User, outsider: User) -> None:
    reason = "来电 138-1234-5678 核实，身份证370983199001011234"
    reveal(user=outsider, field="phone", reason=reason, by=keeper, at=clock.now())
    entry = Entry.objects.get(stream=f"user:{outsider.pk}", kind="personal_field_revealed")
    assert entry.data["reason"] == "来电 138****5678 核实，身份证370983********1234"


def test_a_colleague_may_reveal_only_himself(colleague: User, outsider: User) -> None:
    with pytest.raises(NotAllowed):
        reveal(user=outsider, field="phone", reason="核实联系方式", by=colleague, at=clock.now())
    assert reveal(user=colleague, field="phone", reason="核实本人信息", by=colleague, at=clock.now())


# --- pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [USERS, f"{USERS}add/", "/admin/accounts/device/"])
def test_pages_are_for_administrators(path: str, keeper: User, colleague: User, outsider: User) -> None:
    expected = {keeper: 200, colleague: 403, outsider: 302}
    for user, status in expected.items():
        client = Client()
        client.force_login(user)
        assert client.get(path).status_code == status, user
    colleague_page = Client()
    colleague_page.force_login(colleague)
    assert colleague_page.get(f"{USERS}{outsider.pk}/change/").status_code in (302, 403)
    for verb in (
        "set-password",
        "show-phone",
        "open-or-close",
        "unlock",
        "revoke-devices",
        "reset-second-factor",
    ):
        assert colleague_page.post(f"{USERS}{outsider.pk}/{verb}/").status_code == 403, verb
    outsider.refresh_from_db()
    assert outsider.is_active


def test_lists_are_masked(page: Client, outsider: User) -> None:
    token_for(outsider)
    for path in (USERS, f"{USERS}{outsider.pk}/change/", "/admin/accounts/device/"):
        text = page.get(path).content.decode()
        assert outsider.phone not in text, path
        assert outsider.password not in text
    assert outsider.masked_phone in page.get(USERS).content.decode()


def test_the_list_costs_the_same_for_many(page: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        token_for(make_user(), f"手机 {number}")
    with django_assert_max_num_queries(12):
        page.get(USERS)
    with django_assert_max_num_queries(12):
        page.get("/admin/accounts/device/")


def test_a_new_account(page: Client, journal_of: Any) -> None:
    form = {"username": "worker-99-1", "name": "李新", "phone": "13900001111", "password": "weak"}
    assert "密码至少 10 位" in page.post(f"{USERS}add/", form).content.decode()
    form["password"] = "First-pass-2026"
    assert page.post(f"{USERS}add/", form).status_code == 302
    user = User.objects.get(username="worker-99-1")
    assert user.check_password("First-pass-2026")
    assert (user.name, user.phone, user.is_staff, user.must_change_password) == (
        "李新",
        "13900001111",
        False,
        True,
    )
    assert journal_of(user) == ["account_created"]
    assert "13900001111" not in str(list(Entry.objects.values_list("data", flat=True)))
    assert "该用户名已被使用" in page.post(f"{USERS}add/", form).content.decode()


def test_editing_keeps_the_number_unless_a_new_one_is_given(
    page: Client, outsider: User, journal_of: Any
) -> None:
    path, phone = f"{USERS}{outsider.pk}/change/", outsider.phone
    assert page.post(path, {"name": "赵改名", "new_phone": "", "is_active": ""}).status_code == 302
    outsider.refresh_from_db()
    assert (outsider.name, outsider.phone, outsider.is_active) == ("赵改名", phone, True)
    assert "请填写正确的电话号码" in page.post(path, {"name": "赵", "new_phone": "电话"}).content.decode()
    assert page.post(path, {"name": "赵", "new_phone": "13700002222"}).status_code == 302
    outsider.refresh_from_db()
    assert outsider.phone == "13700002222"
    assert outsider.check_password(PASSWORD)
    assert journal_of(outsider) == ["account_changed", "account_changed"]


def test_nobody_is_deleted(page: Client, outsider: User) -> None:
    assert page.post(f"{USERS}{outsider.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=outsider.pk).exists()


def test_actions_ask_first(page: Client, outsider: User, journal_of: Any) -> None:
    token_for(outsider)
    AccessAttempt.objects.create(username=outsider.username, ip_address="10.0.0.1", failures_since_start=5)
    TOTPDevice.objects.create(user=outsider, name="身份验证器", confirmed=True)
    for verb in ("unlock", "revoke-devices", "reset-second-factor", "open-or-close"):
        path = f"{USERS}{outsider.pk}/{verb}/"
        assert page.get(path).status_code == 200, verb
        assert journal_of(outsider) == []
    for verb in ("unlock", "revoke-devices", "reset-second-factor", "open-or-close", "open-or-close"):
        answer = page.post(f"{USERS}{outsider.pk}/{verb}/", follow=True)
        assert answer.status_code == 200, verb
    assert journal_of(outsider) == [
        "unlocked",
        "devices_revoked",
        "second_factor_reset",
        "deactivated",
        "activated",
    ]
    assert not AccessAttempt.objects.exists()
    assert not TOTPDevice.objects.exists()
    assert not Device.objects.exists()


def test_one_cannot_close_oneself(page: Client, keeper: User) -> None:
    answer = page.post(f"{USERS}{keeper.pk}/open-or-close/", follow=True)
    assert "不能停用自己的账号" in answer.content.decode()
    keeper.refresh_from_db()
    assert keeper.is_active


def test_password_and_phone_pages(page: Client, outsider: User, journal_of: Any) -> None:
    path = f"{USERS}{outsider.pk}/"
    assert "密码至少 10 位" in page.post(f"{path}set-password/", {"password": "weak"}).content.decode()
    assert page.post(f"{path}set-password/", {"password": "Other-pass-2027"}).status_code == 302
    assert outsider.phone not in page.get(f"{path}show-phone/").content.decode()
    assert outsider.phone not in page.post(f"{path}show-phone/", {"reason": "看"}).content.decode()
    shown = page.post(f"{path}show-phone/", {"reason": "核实值班联系方式"})
    assert outsider.phone in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert journal_of(outsider) == ["password_set", "personal_field_revealed"]


def test_devices_are_revoked_from_the_list(page: Client, outsider: User, journal_of: Any) -> None:
    token_for(outsider, "手机")
    token_for(outsider, "平板")
    chosen = [device.pk for device in Device.objects.all()]
    answer = page.post(
        "/admin/accounts/device/", {"action": "revoke", "_selected_action": chosen}, follow=True
    )
    assert "已注销 2 台设备" in answer.content.decode()
    assert not Device.objects.exists()
    assert journal_of(outsider) == ["device_revoked", "device_revoked"]


# --- the first administrator -------------------------------------------------------------------


def test_createadmin(monkeypatch: pytest.MonkeyPatch, journal_of: Any) -> None:
    made: list[User] = []
    monkeypatch.setattr(rights, "_makers", [lambda user, at: made.append(user)])
    monkeypatch.setenv("SUOSHE_ADMIN_PASSWORD", "weak")
    with pytest.raises(CommandError, match="密码至少 10 位"):
        call_command("createadmin", "root-1")
    monkeypatch.setenv("SUOSHE_ADMIN_PASSWORD", "First-admin-2026")
    said = StringIO()
    call_command("createadmin", "root-1", "--name", "周管理", stdout=said)
    user = User.objects.get(username="root-1")
    assert made == [user]
    assert user.is_staff
    assert user.check_password("First-admin-2026")
    assert "First-admin-2026" not in said.getvalue()
    assert journal_of(user) == ["account_created"]
    with pytest.raises(CommandError, match="该用户名已被使用"):
        call_command("createadmin", "root-1")


def test_createadmin_asks_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "_makers", [lambda user, at: None])
    monkeypatch.delenv("SUOSHE_ADMIN_PASSWORD", raising=False)
    answers = iter(["First-admin-2026", "First-admin-2027", "First-admin-2026", "First-admin-2026"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    with pytest.raises(CommandError, match="不一致"):
        call_command("createadmin", "root-2")
    call_command("createadmin", "root-2", stdout=StringIO())
    assert User.objects.filter(username="root-2").exists()
