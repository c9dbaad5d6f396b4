"""The columns of a register file and what their cells mean (DOMAIN.md §2).

An empty cell says nothing: it leaves what the register holds. A file of another system seldom bears our
heads; the common variants are taken too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from grids.codes import is_sound
from grids.models import BusinessType, EntityKind, EntityStatus, LicenceType
from grids.sheets import Column, RowError
from kernel.coordinates import to_wgs84

COLUMNS = (
    Column("code", "一店一码", ("店码", "主体编码", "门牌编码")),
    Column(
        "name", "名称", ("主体名称", "企业名称", "经营主体名称", "店名", "商户名称", "字号名称"),
        required=True, example="顺和饭店",
    ),
    Column(
        "uscc", "统一社会信用代码", ("社会信用代码", "信用代码", "注册号", "统一社会信用代码/注册号"),
        example="92370983MA3ABC1D7B",
    ),
    Column("kind", "主体类型", ("类型", "市场主体类型", "经营主体类型"), example="个体工商户"),
    Column("business_types", "业态", ("经营业态", "行业", "行业类别"), example="餐饮"),
    Column("is_campus_peripheral", "校园周边", ("是否校园周边",), example="否"),
    Column(
        "operator_name", "经营者", ("法定代表人", "负责人", "经营者姓名", "法人", "法定代表人(负责人)"),
        personal="name", example="张三",
    ),
    Column("contact_name", "联系人", ("联系人姓名",), personal="name"),
    Column("contact_phone", "联系电话", ("电话", "手机", "手机号", "联系方式"), personal="phone"),
    Column("grid", "网格", ("网格编码", "所属网格", "网格编号")),
    Column("community", "社区", ("所属社区", "社区名称", "社区编码"), example="新城社区"),
    Column("address", "经营地址", ("地址", "住所", "经营场所", "住所(经营场所)"), example="新城路 12 号"),
    Column("lon", "经度", ("lon", "lng")),
    Column("lat", "纬度", ("lat",)),
    Column("crs", "坐标系"),
    Column("status", "状态", ("经营状态", "登记状态", "存续状态"), example="在营"),
    Column("established_on", "成立日期", ("注册日期", "开业日期"), example="2020-01-31"),
    Column("remark", "备注"),
    Column("licence_types", "证照类型", ("许可证类型",), example="食品经营许可证"),
    Column("licence_numbers", "证照编号", ("许可证编号", "证照号码"), example="JY23709830001"),
    Column("licence_untils", "有效期至", ("证照有效期", "有效期止"), example="2028-12-31"),
)  # fmt: skip
PLACE = {column.name: place for place, column in enumerate(COLUMNS)}
LENGTHS = {
    "name": 120, "operator_name": 60, "contact_name": 60, "contact_phone": 20, "address": 200, "remark": 200
}  # fmt: skip
CRS = {"": "wgs84", "WGS84": "wgs84", "CGCS2000": "wgs84", "GCJ02": "gcj02", "BD09": "bd09"}
YES, NO = frozenset({"是", "有", "1", "Y", "√"}), frozenset({"否", "无", "0", "N"})
FOREVER = frozenset({"", "长期", "长期有效", "无期限", "永久"})
MOST_LICENCES = 20
_SEPARATED = re.compile(r"[、，,；;/|\s]+")
_SEVERAL = re.compile(r"[；;]")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 00:00:00)?")
_PHONE = re.compile(r"[0-9+\-()（）转 ]{5,20}")
_KINDS = {str(label): value for value, label in EntityKind.choices} | {
    "个体": "INDIVIDUAL", "个体户": "INDIVIDUAL", "企业": "COMPANY", "有限责任公司": "COMPANY",
    "股份有限公司": "COMPANY", "农民专业合作社": "COOPERATIVE", "合作社": "COOPERATIVE", "摊贩": "STALL",
}  # fmt: skip
_TYPES = {str(label): value for value, label in BusinessType.choices}
_STATUSES = {str(label): value for value, label in EntityStatus.choices} | {
    "存续": "ACTIVE", "开业": "ACTIVE", "正常": "ACTIVE", "在业": "ACTIVE", "停业": "CLOSED",
    "关闭": "CLOSED", "搬迁": "MOVED", "迁出": "MOVED", "已吊销": "REVOKED", "已注销": "DEREGISTERED",
}  # fmt: skip
_LICENCES = {str(label): value for value, label in LicenceType.choices} | {
    "食品经营许可": "FOOD_OPERATION", "食品生产许可": "FOOD_PRODUCTION",
    "仅销售预包装食品备案": "PREPACKAGED_FOOD",
    "药品经营许可": "DRUG", "医疗器械备案": "MEDICAL_DEVICE", "医疗器械许可": "MEDICAL_DEVICE",
}  # fmt: skip


class Wrong(Exception):
    """A cell that cannot be taken: `column` by its name in code."""

    def __init__(self, column: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.column, self.code, self.detail = column, code, detail


def wrong(number: int, cells: list[str], column: str, code: str, detail: str) -> RowError:
    """The error of one row, what stood there masked."""
    one = COLUMNS[PLACE[column]]
    return RowError(number, code, one.head, detail, one.shown(cells[PLACE[column]]))


def keys_of(cells: list[str]) -> tuple[str, str, str, str]:
    """What the register may know a row by, as `values_of` would have it: code on the door, credit code, name,
    address. Empty where the row does not say."""
    return cells[_CODE].upper(), _plain_uscc(cells[_USCC]), cells[_NAME], cells[_ADDRESS]


def values_of(cells: list[str]) -> dict[str, Any]:
    """What a row says, by column of the model; what it leaves empty is left out.

    `lon` and `lat` are WGS-84; `grid` and `community` stay as written; `licences` are
    `(type, number, expires_on)`. Raises `Wrong` at the first cell that cannot be taken.
    """
    said: dict[str, Any] = {}
    for place, name, read in _READERS:
        cell = cells[place]
        if cell:
            said[name] = read(cell)
    if "name" not in said:
        raise Wrong("name", "no_name", "没有填写名称。")
    if cells[_LON] or cells[_LAT]:
        said["lon"], said["lat"] = _point(cells[_LON], cells[_LAT], cells[_CRS])
    if cells[_NUMBERS] or cells[_LICENCE_TYPES]:
        said["licences"] = _licences(cells[_LICENCE_TYPES], cells[_NUMBERS], cells[_UNTILS])
    return said


def _of_length(name: str) -> Callable[[str], str]:
    most, head = LENGTHS[name], COLUMNS[PLACE[name]].head

    def read(cell: str) -> str:
        if len(cell) > most:
            raise Wrong(name, "too_long", f"{head}过长，最多 {most} 个字。")
        return cell

    return read


def _plain_uscc(cell: str) -> str:
    return cell.replace(" ", "").upper()


def _uscc(cell: str) -> str:
    code = _plain_uscc(cell)
    if not is_sound(code):
        raise Wrong("uscc", "bad_uscc", "统一社会信用代码（18 位）或注册号（15 位）的位数或校验位不正确。")
    return code


def _chosen(name: str, among: dict[str, str]) -> Callable[[str], str]:
    head = COLUMNS[PLACE[name]].head

    def read(cell: str) -> str:
        found = among.get(cell) or (cell if cell in among.values() else None)
        if found is None:
            raise Wrong(name, f"unknown_{name}", f"{head}不在目录内。")
        return found

    return read


@lru_cache(maxsize=4096)
def _business_types(cell: str) -> list[str]:
    """Shared by rows: read it, never change it."""
    one = _chosen("business_types", _TYPES)
    return sorted({one(part) for part in _SEPARATED.split(cell) if part})


def _yes_or_no(cell: str) -> bool:
    if cell in YES or cell in NO:
        return cell in YES
    raise Wrong("is_campus_peripheral", "not_yes_or_no", "校园周边应填“是”或“否”。")


def _phone(cell: str) -> str:
    if not _PHONE.fullmatch(cell):
        raise Wrong("contact_phone", "bad_phone", "联系电话只能包含数字和 + - ( )，5 至 20 位。")
    return cell


@lru_cache(maxsize=65536)
def day_of(cell: str, column: str) -> date:
    """A day as sheets write it: 2026-01-31, 2026/1/31, 2026年1月31日, 20260131. Raises `Wrong`."""
    found = _DAY.fullmatch(cell)
    try:
        day = date(*map(int, found.groups())) if found else datetime.strptime(cell, "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        raise Wrong(column, "bad_day", "日期无法识别，请按 2026-01-31 的形式填写。") from None
    if not 1900 <= day.year <= 2200:
        raise Wrong(column, "bad_day", "日期不在合理范围内。")
    return day


def _point(lon: str, lat: str, crs: str) -> tuple[float, float]:
    if not (lon and lat):
        raise Wrong("lat" if lon else "lon", "half_a_place", "经度和纬度应同时填写。")
    system = CRS.get(crs) or CRS.get(crs.upper().replace("-", "").replace(" ", ""))
    if system is None:
        raise Wrong("crs", "bad_crs", "坐标系只能是 WGS84、GCJ02 或 BD09。")
    try:
        east, north = float(lon), float(lat)
    except ValueError:
        raise Wrong("lon", "bad_place", "经纬度应为数字。") from None
    if not (70 <= east <= 140 and 0 <= north <= 60):
        raise Wrong("lon", "bad_place", "经纬度不在国内，请检查是否填反。")
    if system != "wgs84":
        east, north = to_wgs84(east, north, system)
    return round(east, 6), round(north, 6)


def _licences(types: str, numbers: str, untils: str) -> list[tuple[str, str, date | None]]:
    if not _SEVERAL.search(types + numbers + untils):
        return [_licence(types, numbers, untils)]
    kinds, codes = _SEVERAL.split(types), _SEVERAL.split(numbers)
    ends = _SEVERAL.split(untils) if untils else [""] * len(codes)
    if not len(kinds) == len(codes) == len(ends) or len(codes) > MOST_LICENCES:
        raise Wrong(
            "licence_numbers",
            "licences_differ",
            "证照类型、证照编号、有效期至的个数不一致，请用“；”逐一对应。",
        )
    found = {}
    for one in map(_licence, kinds, codes, ends):
        if one[:2] in found:
            raise Wrong("licence_numbers", "doubled_licence", "同一证照在本行出现了两次。")
        found[one[:2]] = one
    return list(found.values())


def _licence(kind: str, code: str, until: str) -> tuple[str, str, date | None]:
    number, end = code.strip(), until.strip()
    if not number or len(number) > 60:
        raise Wrong("licence_numbers", "bad_licence", "证照编号没有填写或过长。")
    return _licence_type(kind.strip()), number, None if end in FOREVER else day_of(end, "licence_untils")


_licence_type = _chosen("licence_types", _LICENCES)

_CODE, _USCC, _NAME, _ADDRESS = PLACE["code"], PLACE["uscc"], PLACE["name"], PLACE["address"]
_LON, _LAT, _CRS = PLACE["lon"], PLACE["lat"], PLACE["crs"]
_NUMBERS, _LICENCE_TYPES, _UNTILS = PLACE["licence_numbers"], PLACE["licence_types"], PLACE["licence_untils"]
_READERS: list[tuple[int, str, Callable[[str], Any]]] = [
    (PLACE[name], name, read)
    for name, read in (
        ("code", str.upper),
        ("name", _of_length("name")),
        ("uscc", _uscc),
        ("kind", _chosen("kind", _KINDS)),
        ("business_types", _business_types),
        ("is_campus_peripheral", _yes_or_no),
        ("operator_name", _of_length("operator_name")),
        ("contact_name", _of_length("contact_name")),
        ("contact_phone", _phone),
        ("grid", str),
        ("community", str),
        ("address", _of_length("address")),
        ("status", _chosen("status", _STATUSES)),
        ("established_on", lambda cell: day_of(cell, "established_on")),
        ("remark", _of_length("remark")),
    )
]
