"""Importing in the admin: upload, progress, errors, confirmation, result."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from python_calamine import load_workbook

from grids import importing
from grids.demo import World
from grids.models import BusinessEntity, ImportFile
from tests.factories.grids import make_entity
from tests.grids.test_importing import as_csv, shop
from tests.suoshe.pages import english_in

pytestmark = pytest.mark.django_db
LIST = "/admin/grids/importfile/"
KNOWN = {"esc", "xlsx", "csv", "CSV", "MB"}


@pytest.fixture(autouse=True)
def _quietly(settings: Any, tmp_path: Any) -> None:
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = False
    settings.MEDIA_ROOT = str(tmp_path)


def page(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.users[username], backend="django.contrib.auth.backends.ModelBackend")
    return client


def upload(client: Client, content: bytes, name: str = "登记表") -> Any:
    return client.post(LIST + "upload/", {"file": SimpleUploadedFile(name, content)})


def test_from_the_file_to_the_register(world: World) -> None:
    client = page(world, "clerk-01")
    assert "还没有导入过文件" in client.get(LIST).content.decode()
    answer = upload(client, as_csv(shop(world, 1), shop(world, 2)))
    tried = ImportFile.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}{tried.pk}/change/")
    waiting = client.get(answer["Location"])
    assert "正在排队" in waiting.content.decode()
    assert waiting["Refresh"] == "2"
    importing.carry_on()
    shown = client.get(answer["Location"])
    assert "将新增 2 家" in shown.content.decode()
    assert "Refresh" not in shown
    assert not BusinessEntity.objects.exists()
    confirmed = client.post(f"{LIST}{tried.pk}/confirm/")
    assert confirmed.status_code == 302
    importing.carry_on()
    assert "已导入：共 2 行" in client.get(confirmed["Location"]).content.decode()
    assert BusinessEntity.objects.count() == 2
    listed = client.get(LIST).content.decode()
    assert "正式导入" in listed
    assert english_in(listed, allowed=KNOWN | {"clerk"}) == []


def test_errors_are_shown_and_downloaded(world: World) -> None:
    client = page(world, "bureau")
    upload(client, as_csv(shop(world, 1), shop(world, 2, 名称="", 联系电话="13812345678")))
    importing.carry_on()
    file = ImportFile.objects.get()
    text = client.get(f"{LIST}{file.pk}/change/").content.decode()
    assert "没有填写名称。" in text
    assert "确认导入" not in text
    assert client.post(f"{LIST}{file.pk}/confirm/").status_code == 302
    assert ImportFile.objects.count() == 1
    sheet = client.get(f"{LIST}{file.pk}/errors.xlsx")
    table = load_workbook(io.BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert table[1] == [3.0, "名称", "", "没有填写名称。"]
    assert client.get(LIST + "template.xlsx").status_code == 200
    refused = upload(client, b"PK\x03\x04")
    assert (refused.status_code, "已损坏" in refused.content.decode()) == (200, True)


def test_who_may(world: World) -> None:
    for username, sees, imports in (
        ("clerk-01", 200, 200), ("office-01", 200, 200), ("bureau", 200, 200), ("section-credit", 200, 200),
        ("section-food", 200, 403), ("auditor", 200, 403), ("commissioner-01", 403, 403), ("admin", 403, 403),
    ):  # fmt: skip
        client = page(world, username)
        assert client.get(LIST).status_code == sees, username
        assert client.get(LIST + "upload/").status_code == imports, username


def test_the_search_of_the_register_is_the_quick_one(world: World) -> None:
    make_entity(world, 1, name="慧眼书店", operator_name="欧阳明")
    make_entity(world, 1, name="别家店")
    client = page(world, "office-01")
    for words in ("慧眼", "欧阳", "书"):
        text = client.get("/admin/grids/businessentity/", {"q": words}).content.decode()

        assert "慧眼书店" in text
        assert "别家店" not in text
    sheet = client.get("/admin/grids/businessentity/", {"q": "慧眼", "_export": "xlsx"})
    assert len(load_workbook(io.BytesIO(sheet.content)).get_sheet_by_index(0).to_python()) == 2
