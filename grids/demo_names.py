"""Invented names of people and shops for the demo (演示数据)."""

from __future__ import annotations

from grids.models import BusinessType

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
FIRST = "建国文晓志海玉春秀明立德永新庆家学思雅俊"
SECOND = "华军平丽娟强敏伟芳杰燕涛静磊勇娜洋峰霞宁"
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


def person_name(number: int) -> str:
    """The name of invented person `number`; 12,000 different ones."""
    surname = SURNAMES[number % len(SURNAMES)]
    rest = number // len(SURNAMES)
    return (
        surname
        + FIRST[(number + rest) % len(FIRST)]
        + SECOND[(rest // len(FIRST) + number * 7) % len(SECOND)]
    )


def entity_name(number: int, business_type: str) -> str:
    """The name of invented shop `number`, marked as such."""
    word = SHOP_WORDS[number % len(SHOP_WORDS)]
    return f"{word}{TRADES[BusinessType(business_type)]}{number:05d}(演示)"
