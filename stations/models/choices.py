"""Choices of disputes: what is disputed, where it came from, how it ended."""

from __future__ import annotations

from django.db import models

from stations.states import Tier

__all__ = [
    "Claim",
    "FailReason",
    "GoodsKind",
    "Outcome",
    "RefusalGround",
    "Source",
    "TestingKind",
    "Tier",
    "WithdrawalReason",
    "WordWay",
]


class Source(models.TextChoices):
    COUNTER = "COUNTER", "窗口登记"
    TELEPHONE = "TELEPHONE", "电话登记"
    DOOR = "DOOR", "扫码提交"
    PLATFORM = "PLATFORM", "平台转入"


class GoodsKind(models.TextChoices):
    FOOD = "FOOD", "食品"
    CATERING = "CATERING", "餐饮服务"
    CLOTHING = "CLOTHING", "服装鞋帽"
    APPLIANCE = "APPLIANCE", "家用电器"
    DIGITAL = "DIGITAL", "手机数码"
    FURNITURE = "FURNITURE", "家具建材"
    VEHICLE = "VEHICLE", "汽车电动车"
    JEWELLERY = "JEWELLERY", "珠宝首饰"
    DAILY = "DAILY", "日用百货"
    HEALTH = "HEALTH", "保健用品"
    CHILD = "CHILD", "母婴用品"
    BEAUTY = "BEAUTY", "美容美发"
    FITNESS = "FITNESS", "健身娱乐"
    TRAINING = "TRAINING", "教育培训"
    REPAIR = "REPAIR", "维修服务"
    PREPAID = "PREPAID", "预付卡"
    OTHER = "OTHER", "其他"


class Claim(models.TextChoices):
    REFUND = "REFUND", "退款"
    RETURN = "RETURN", "退货"
    EXCHANGE = "EXCHANGE", "换货"
    REPAIR = "REPAIR", "维修"
    COMPENSATION = "COMPENSATION", "赔偿损失"
    PERFORM = "PERFORM", "继续履行"
    APOLOGY = "APOLOGY", "赔礼道歉"
    OTHER = "OTHER", "其他"


class Outcome(models.TextChoices):
    """How a dispute ended; empty while it is open."""

    ON_THE_SPOT = "ON_THE_SPOT", "当场和解"
    SETTLED = "SETTLED", "和解"
    PERFORMED = "PERFORMED", "达成协议并履行"
    NOT_REACHED = "NOT_REACHED", "未达成"
    WITHDRAWN = "WITHDRAWN", "撤回"
    REFUSED = "REFUSED", "不予受理"


class FailReason(models.TextChoices):
    TIME_OUT = "TIME_OUT", "期满未达成"
    NO_AGREEMENT = "NO_AGREEMENT", "双方未能达成一致"
    CONSUMER_UNWILLING = "CONSUMER_UNWILLING", "消费者不愿继续调解"
    SHOP_UNWILLING = "SHOP_UNWILLING", "经营者不愿调解"
    UNREACHABLE = "UNREACHABLE", "无法与一方取得联系"
    NOT_PERFORMED = "NOT_PERFORMED", "协议未履行"


CHOSEN_FAIL_REASONS = (
    FailReason.NO_AGREEMENT,
    FailReason.CONSUMER_UNWILLING,
    FailReason.SHOP_UNWILLING,
    FailReason.UNREACHABLE,
)
"""What a person may enter; the others are said by a clock and by a broken agreement."""


class WithdrawalReason(models.TextChoices):
    SOLVED = "SOLVED", "双方已自行解决"
    GIVEN_UP = "GIVEN_UP", "消费者不再主张"
    MISTAKEN = "MISTAKEN", "登记有误"
    OTHER_WAY = "OTHER_WAY", "消费者另行起诉或申请仲裁"


class WordWay(models.TextChoices):
    """How the consumer said that the matter shall go to the office (转12315)."""

    IN_PERSON = "IN_PERSON", "当面"
    TELEPHONE = "TELEPHONE", "电话"
    WRITING = "WRITING", "书面或短信"
    DOOR = "DOOR", "扫码页面勾选"
    PLATFORM = "PLATFORM", "已向12315平台提出"


class RefusalGround(models.TextChoices):
    """The legal list of refusals (SAMR Order 20 Art. 15; kept by Order 121)."""

    NOT_COMPETENT = "NOT_COMPETENT", "投诉事项不属于市场监督管理部门职责，或本行政机关不具有处理权限"
    HANDLED = (
        "HANDLED",
        "法院、仲裁机构、市场监督管理部门或者其他行政机关、消费者协会或者依法成立的其他调解组织"
        "已经受理或者处理过同一消费者权益争议",
    )
    NOT_CONSUMER = (
        "NOT_CONSUMER",
        "不是为生活消费需要购买、使用商品或者接受服务，或者不能证明与被投诉人之间存在消费者权益争议",
    )
    THREE_YEARS = "THREE_YEARS", "自知道或者应当知道权益受到侵害之日起超过三年"
    NO_MATERIAL = "NO_MATERIAL", "未提供依法应当提供的投诉材料"
    OTHER_LAW = "OTHER_LAW", "法律、法规、规章规定不予受理的其他情形"


class TestingKind(models.TextChoices):
    """Its time does not count in the limit of mediation."""

    __test__ = False

    VERIFICATION = "VERIFICATION", "计量检定"
    INSPECTION = "INSPECTION", "检验"
    DETECTION = "DETECTION", "检测"
    APPRAISAL = "APPRAISAL", "鉴定"
