"""The duty rota: set, swap, import."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
import xlsxwriter

from grids import rota, rota_sheet
from grids.demo import World
from grids.duty import duty_day
from grids.models import DutyShift
from grids.roles import DUTY_LEADER, DUTY_OFFICER
from kernel.errors import Conflict, NotAllowed, Refused, TooLarge
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from tests.factories.accounts import make_user

pytestmark = pytest.mark.django_db


def sheet(*rows: tuple[Any, ...], header: tuple[str, ...] = rota_sheet.HEADER) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_date_format": "yyyy-mm-dd"}) as book:
        page = book.add_worksheet()
        for number, row in enumerate((header, *rows)):
            page.write_row(number, 0, row)
    return out.getvalue()


def shift(world: World, ahead: int, role: str = DUTY_OFFICER, office: int = 0) -> DutyShift:
    day = duty_day(world.at) + timedelta(days=ahead)
    return DutyShift.objects.get(office=world.offices[office], day=day, role=role)


def take(world: World, by: str, content: bytes, *, dry_run: bool = False) -> rota_sheet.Report:
    return rota_sheet.take(content=content, dry_run=dry_run, by=world.user(by), at=world.at)


def day(world: World, ahead: int) -> date:
    return duty_day(world.at) + timedelta(days=ahead)


def test_swap(world: World) -> None:
    first, second = shift(world, 1), shift(world, 2)
    night = make_user("night")
    DutyShift.objects.filter(pk=second.pk).update(user=night)
    one, two = rota.swap(first=first, second=second, by=world.user("clerk-01"), at=world.at)
    assert (one.user, two.user) == (night, world.users["duty-01"])
    assert DutyShift.objects.get(pk=first.pk).user == night
    assert Entry.objects.filter(stream=f"office:{first.office_id}", kind="rota_changed").count() == 1
    told = OutboxMessage.objects.filter(template="grids.duty_changed")
    assert set(told.values_list("recipient_id", flat=True)) == {night.id, world.users["duty-01"].id}


def test_either_of_the_two_may_swap(world: World) -> None:
    rota.swap(first=shift(world, 1), second=shift(world, 2), by=world.user("duty-01"), at=world.at)


@pytest.mark.parametrize(
    "by", ["clerk-02", "worker-01-1", "commissioner-01", "auditor", "admin", "community-01"]
)
def test_others_may_not(world: World, by: str) -> None:
    with pytest.raises(NotAllowed):
        rota.swap(first=shift(world, 1), second=shift(world, 2), by=world.user(by), at=world.at)


def test_what_cannot_be_swapped(world: World) -> None:
    bureau, one = world.user("bureau"), shift(world, 1)
    for other in (one, shift(world, 1, DUTY_LEADER), shift(world, 1, office=1)):
        with pytest.raises(Conflict, match="同一个所"):
            rota.swap(first=one, second=other, by=bureau, at=world.at)
    with pytest.raises(Conflict, match="过去"):
        rota.swap(first=one, second=shift(world, -1), by=bureau, at=world.at)


def test_import_dry_then_whole(world: World) -> None:
    make_user("night", name="夜值甲")
    content = sheet(
        (str(day(world, 1)), "", "夜值甲", "office-01"),
        (day(world, 2), "新城市场监管所", "duty-01", ""),
        (day(world, 40).strftime("%Y/%m/%d"), "370983001-S", "night", "clerk-01"),
        ("", "", "", ""),
    )
    report = take(world, "clerk-01", content, dry_run=True)
    assert (report.rows, report.created, report.updated, report.unchanged, report.errors) == (3, 2, 1, 2, [])
    assert shift(world, 1).user.username == "duty-01"
    assert take(world, "clerk-01", content) == report
    assert shift(world, 1).user.username == "night"
    assert shift(world, 40, DUTY_LEADER).user.username == "clerk-01"
    again = take(world, "clerk-01", content)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 5)


def test_import_names_every_faulty_row_and_writes_nothing(world: World) -> None:
    for _ in range(2):
        make_user(name="同名人")
    content = sheet(
        (str(day(world, 1)), "", "clerk-01", ""),
        ("某日", "", "clerk-01", ""),
        (str(day(world, -1)), "", "clerk-01", ""),
        (str(day(world, 2)), "海淀所", "clerk-01", ""),
        (str(day(world, 3)), "老城市场监管所", "clerk-01", ""),
        (str(day(world, 4)), "", "查无此人", ""),
        (str(day(world, 5)), "", "同名人", ""),
        (str(day(world, 6)), "", "worker-01-1", ""),
        (str(day(world, 7)), "", "", ""),
        (str(day(world, 1)), "", "duty-01", ""),
    )
    report = take(world, "clerk-01", content)
    assert [(error.row, error.code) for error in report.errors] == [
        (3, "bad_day"), (4, "shift_over"), (5, "no_office"), (6, "not_your_rota"), (7, "no_person"),
        (8, "namesakes"), (9, "cannot_be_on_duty"), (10, "no_person"), (11, "doubled"),
    ]  # fmt: skip
    assert (report.rows, report.created, report.updated) == (10, 0, 0)
    assert shift(world, 1).user.username == "duty-01"


def test_files_that_are_none(world: World) -> None:
    for content in (b"", b"hello", b"PK\x03\x04broken"):
        with pytest.raises(Refused, match="无法读取"):
            take(world, "clerk-01", content)
    with pytest.raises(Refused, match="表头"):
        take(world, "clerk-01", sheet(("x",), header=("甲",)))
    with pytest.raises(TooLarge):
        take(world, "clerk-01", b"x" * (rota_sheet.MOST_BYTES + 1))
    assert take(world, "clerk-01", sheet()).errors[0].code == "empty"


def test_a_row_by_someone_who_keeps_no_rota(world: World) -> None:
    content = sheet((str(day(world, 1)), "新城市场监管所", "clerk-01", ""))
    assert take(world, "worker-01-1", content).errors[0].code == "not_your_rota"


def test_what_is_exported_can_be_read_again(world: World) -> None:
    rows = DutyShift.objects.filter(office=world.offices[0], day__gte=duty_day(world.at))
    content = rota_sheet.export(rows.select_related("office", "user"))
    report = take(world, "clerk-01", content)
    assert (report.created, report.updated, report.unchanged, report.errors) == (0, 0, rows.count(), [])
    assert take(world, "clerk-01", rota_sheet.template()).errors[0].code == "shift_over"


def test_nobody_of_the_community_is_put_on_duty(world: World) -> None:
    wish = rota.Wish(world.offices[0], day(world, 1), DUTY_OFFICER, world.user("worker-01-1"))
    with pytest.raises(Refused, match="社区一方"):
        rota.set_shifts(wishes=[wish], by=world.user("clerk-01"), at=world.at)
