"""The words of a lead: severities, stages, sides, ways to answer, dispose and verify."""

from __future__ import annotations

from django.db import models


class Severity(models.TextChoices):
    MINOR = "MINOR", "一般"
    MODERATE = "MODERATE", "较重"
    SERIOUS = "SERIOUS", "严重"
    URGENT = "URGENT", "紧急"


class Stage(models.TextChoices):
    DISCOVERY = "discovery", "发现"
    HANDOVER = "handover", "交接"
    RESULT = "result", "结果"


class FileStage(models.TextChoices):
    """To what a file belongs: one of the three stages, or what comes after closing."""

    DISCOVERY = "discovery", "发现"
    HANDOVER = "handover", "交接"
    RESULT = "result", "结果"
    CORRECTION = "correction", "整改证明"
    RECHECK = "recheck", "复查"
    LOOK_BACK = "look_back", "回头看"


class Side(models.TextChoices):
    OFFICE = "office", "所"
    COMMUNITY = "community", "社"


class LateSide(models.TextChoices):
    """Who is late: one of the two sides, a department, or who left a request unanswered."""

    OFFICE = "office", "所"
    COMMUNITY = "community", "社"
    DEPARTMENT = "department", "部门"
    APPROVER = "approver", "审批人"


class SuspendReason(models.TextChoices):
    TEST_RESULT = "test_result", "等待检验检测结果"
    OUT_OF_REACH = "out_of_reach", "当事人暂时无法联系"
    SHOP_CLOSED = "shop_closed", "经营场所暂停营业"
    OTHER_DEPARTMENT = "other_department", "等待其他部门配合"
    FORCE_MAJEURE = "force_majeure", "恶劣天气等不可抗力"
    OTHER = "other", "其他"


class RejectReason(models.TextChoices):
    NOT_OURS = "not_ours", "不属本局职责"
    DUPLICATE = "duplicate", "重复上报"
    NO_SUCH_PLACE = "no_such_place", "查无此地、此店"
    UNTRUE = "untrue", "内容不实"
    TOO_VAGUE = "too_vague", "信息不足，无法核实"
    OTHER = "other", "其他"


class DisposalKind(models.TextChoices):
    NO_PROBLEM = "no_problem", "未发现问题"
    GUIDED = "guided", "提醒指导"
    RECTIFY = "rectify", "责令改正"
    LENIENCY = "leniency", "容错纠错"
    PENALTY = "penalty", "立案查处"
    HANDED_OVER = "handed_over", "移交其他部门"


class Plan(models.TextChoices):
    ON_MY_WAY = "on_my_way", "立即前往"
    APPOINTMENT = "appointment", "预约上门"
    BY_PHONE = "by_phone", "电话处理"


class Method(models.TextChoices):
    ON_SITE = "on_site", "现场核验"
    PHOTO = "photo", "照片核验"
    PHONE = "phone", "电话核验"


class Instruction(models.TextChoices):
    FINISH_TODAY = "finish_today", "今日办结"
    REASSIGN = "reassign", "改派他人"
    AGREE_EXTENSION = "agree_extension", "同意延期"
    GO_MYSELF = "go_myself", "我到现场"
    OTHER = "other", "其他"
