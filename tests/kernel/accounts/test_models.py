"""Users and devices: what the rows themselves promise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection

from kernel import clock
from kernel.accounts.models import Device, User
from tests.factories.accounts import make_user, token_for

pytestmark = pytest.mark.django_db


def test_a_user_has_no_rights_of_django() -> None:
    user = make_user(is_staff=True)
    assert not user.has_perm("accounts.view_user")
    assert not user.has_perms(["accounts.view_user"])
    assert user.has_module_perms("accounts")
    assert not hasattr(user, "is_superuser")


def test_masked_values() -> None:
    user = make_user(name="张建国", phone="13812345678")
    assert (user.masked_name, user.masked_phone) == ("张**", "138****5678")


def test_usernames_are_normalised_and_unique() -> None:
    make_user("ｗｏｒｋｅｒ")
    with pytest.raises(IntegrityError):
        make_user("worker")


def test_created_at_is_the_house_clock() -> None:
    clock.travel(timedelta(days=400))
    user = User.objects.get(pk=make_user().pk)
    assert abs(user.created_at - clock.now()) < timedelta(seconds=1)


def test_knox_has_no_table_of_its_own() -> None:
    assert "knox_authtoken" not in connection.introspection.table_names()
    assert "accounts_device" in connection.introspection.table_names()


def test_one_row_per_person_and_device_name() -> None:
    user = make_user()
    token_for(user, "小米")
    device = Device.objects.get(user=user)
    with pytest.raises(IntegrityError):
        Device.objects.create(user=user, name="小米", digest="x", token_key="x", expiry=device.expiry)


def test_visible_to(keeper: User, colleague: User, outsider: User) -> None:
    token_for(colleague)
    token_for(keeper)
    assert set(User.objects.visible_to(keeper)) == {keeper, colleague, outsider}
    assert list(User.objects.visible_to(outsider)) == [outsider]
    assert not User.objects.visible_to(AnonymousUser())
    assert [d.user for d in Device.objects.visible_to(keeper)] == [keeper]
    assert not Device.objects.visible_to(outsider)
    outsider.is_active = False
    assert not User.objects.visible_to(outsider)
