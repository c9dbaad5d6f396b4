"""Invented names of people and shops for the demo (演示数据)."""

from __future__ import annotations

from grids.models import BusinessType
from grids.roles import Section

ROLE_NAMES = {
    "bureau": "市场监管局",
    "leader": "局领导",
    "auditor": "审计员",
    "admin": "系统管理员",
    "keeper": "举报信息保管员",
    "police": "公安联络员",
    "citymgmt": "城管联络员",
    "office": "所长",
    "deputy": "副所长",
    "clerk": "所内勤",
    "duty": "值班员",
    "street": "街道",
    "community": "社区书记",
    "vice": "社区副书记",
    "commissioner": "专员",
    "worker": "网格员",
    "station": "调解员",
}
SHOP_WORDS = ("顺和", "福来", "瑞丰", "万家", "同心", "百味", "鸿运", "金桥", "乐享", "惠民")
TRADES = {
    BusinessType.CATERING: "饭店",
    BusinessType.FOOD_RETAIL: "食品店",
    BusinessType.FOOD_WORKSHOP: "豆腐坊",
    BusinessType.FOOD_VENDOR: "小吃摊",
    BusinessType.CANTEEN: "食堂",
    BusinessType.PHARMACY: "大药房",
    BusinessType.MEDICAL_DEVICE: "医疗器械店",
    BusinessType.BEAUTY: "美容美发店",
    BusinessType.FARM_MARKET: "农贸市场",
    BusinessType.SUPERMARKET: "超市",
    BusinessType.COMPLEX: "商场",
    BusinessType.EBIKE: "电动车行",
    BusinessType.GAS: "燃气用具店",
    BusinessType.FUEL: "加油站",
    BusinessType.SPECIAL_EQUIPMENT: "物业服务部",
    BusinessType.TUTORING: "培训中心",
    BusinessType.ELDERLY_CARE: "养老服务中心",
    BusinessType.AUTO_REPAIR: "汽车维修部",
    BusinessType.HOTEL: "宾馆",
    BusinessType.ONLINE: "网络商行",
    BusinessType.OTHER: "商行",
}


def role_name(username: str) -> str:
    """The name of a demo account: its role and its number, never a person's name.

    `commissioner-07` → 专员07, `worker-07-2` → 网格员07-2, `section-food` → 食品安全监管科.
    """
    kind, _, number = username.partition("-")
    if kind == "section":
        return str(Section(number.upper()).label)
    return ROLE_NAMES[kind] + number


def operator_name(number: int) -> str:
    """The operator of invented shop `number`."""
    return f"经营者{number:05d}"


def entity_name(number: int, business_type: str) -> str:
    """The name of invented shop `number`, marked as such."""
    word = SHOP_WORDS[number % len(SHOP_WORDS)]
    return f"{word}{TRADES[BusinessType(business_type)]}{number:05d}(演示)"
