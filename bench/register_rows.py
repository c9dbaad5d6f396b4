"""Invented businesses for `bench.register`: rows for COPY, and the same manner of rows as a CSV file."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from typing import Any

from grids import demo_map
from grids.codes import _SIGNS, _WEIGHTS

WORDS = "顺和福来瑞丰万家同心百味鸿运金桥乐享惠民盛世兴隆华美新城东方龙山春秋明月天海康泰宏达祥云喜庆安平吉利"
TRADES = (
    ("饭店", "餐饮"), ("食品店", "食品销售"), ("豆腐坊", "小作坊"), ("大药房", "药店"), ("超市", "商超"),
    ("美容美发店", "美容美发"), ("电动车行", "电动自行车"), ("加油站", "加油站"), ("宾馆", "宾馆"),
    ("汽车维修部", "汽修"), ("商行", "其他"), ("餐饮管理有限公司", "餐饮"),
)  # fmt: skip
ROADS = [f"{a}{b}{c}" for a in "龙泰新长向建人文" for b in "山安城征阳设民化" for c in ("路", "街", "大街")]
FAMILIES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = [chr(sign) for sign in range(0x4E00, 0x4E00 + 2_000)]
HEADS = (
    "名称", "统一社会信用代码", "主体类型", "业态", "经营者", "联系电话", "经营地址", "经度", "纬度",
    "成立日期", "证照类型", "证照编号", "有效期至",
)  # fmt: skip
COPIED = (
    "code", "name", "uscc", "kind", "business_types", "operator_name", "grid_id", "placed_by", "address",
    "lon", "lat",
)  # fmt: skip


def uscc(number: int) -> str:
    """A valid credit code for every number below 31^9."""
    body = ""
    for _ in range(9):
        number, sign = divmod(number, 31)
        body = _SIGNS[sign] + body
    code = "92370983" + body
    total = sum(_SIGNS.index(sign) * weight for sign, weight in zip(code, _WEIGHTS, strict=True))
    return code + _SIGNS[-total % 31]


def shops(count: int, *, first: int = 0, seed: int = 1) -> Iterator[dict[str, Any]]:
    """So many businesses, each at a place of its own inside one of the 21 grids."""
    dice = random.Random(seed)
    centres = [one.polygon.representative_point() for one in demo_map.build()]
    for number in range(first, first + count):
        place = number % len(centres)
        trade, business_type = dice.choice(TRADES)
        name = "".join(dice.choices(WORDS, k=2)) + (dice.choice(GIVEN) if dice.random() < 0.5 else "") + trade
        yield {
            "number": number, "name": name, "uscc": uscc(number * 7919), "type": business_type,
            "operator": dice.choice(FAMILIES) + "".join(dice.choices(GIVEN, k=dice.choice((1, 2)))),
            "address": f"{dice.choice(ROADS)}{dice.randrange(1, 999)}号" + (
                f"{dice.randrange(1, 20)}号楼{dice.randrange(101, 999)}室" if dice.random() < 0.4 else ""
            ),
            "grid": place,
            "lon": round(centres[place].x + dice.uniform(-2e-4, 2e-4), 6),
            "lat": round(centres[place].y + dice.uniform(-2e-4, 2e-4), 6),
        }  # fmt: skip


def csv_file(rows: Iterator[dict[str, Any]]) -> bytes:
    """The rows as an office would bring them."""
    out = io.StringIO()
    page = csv.writer(out)
    page.writerow(HEADS)
    for row in rows:
        number = row["number"]
        page.writerow(
            (
                row["name"],
                row["uscc"],
                "个体工商户",
                row["type"],
                row["operator"],
                f"138{number % 10**8:08d}",
                row["address"],
                row["lon"],
                row["lat"],
                f"2020-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
                "营业执照",
                f"JY{number:010d}",
                "长期",
            )
        )
    return out.getvalue().encode("utf-8-sig")
