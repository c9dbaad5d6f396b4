"""Who may hold which seat, and on which side of the two (所、社) a seat stands (DOMAIN.md §1)."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """Roles of a posting (任职). Duty is no posting: see `DUTY_OFFICER`, `DUTY_LEADER`."""

    GRID_WORKER = "GRID_WORKER", "社区网格员"
    COMMISSIONER = "COMMISSIONER", "市场监管专员"
    OFFICE_CLERK = "OFFICE_CLERK", "所内勤"
    OFFICE_HEAD = "OFFICE_HEAD", "所长"
    COMMUNITY_HEAD = "COMMUNITY_HEAD", "社区书记"
    DEPARTMENT_LIAISON = "DEPARTMENT_LIAISON", "部门联络员"
    STATION_MEDIATOR = "STATION_MEDIATOR", "调解员"
    BUREAU_SECTION = "BUREAU_SECTION", "局业务科室"
    BUREAU = "BUREAU", "市场监管局"
    BUREAU_LEADER = "BUREAU_LEADER", "局领导"
    SUBDISTRICT = "SUBDISTRICT", "街道"
    AUDITOR = "AUDITOR", "审计员"
    SYSTEM_ADMIN = "SYSTEM_ADMIN", "系统管理员"
    IDENTITY_KEEPER = "IDENTITY_KEEPER", "举报人信息保管员"


class DutyRole(models.TextChoices):
    """The two people of the duty rota (值班表), per office and day."""

    DUTY_OFFICER = "DUTY_OFFICER", "值班员"
    DUTY_LEADER = "DUTY_LEADER", "带班领导"


DUTY_OFFICER = DutyRole.DUTY_OFFICER.value
DUTY_LEADER = DutyRole.DUTY_LEADER.value


class Section(models.TextChoices):
    """Sections of the bureau (局业务科室)."""

    FOOD = "FOOD", "食品安全监管科"
    EQUIPMENT = "EQUIPMENT", "特种设备安全监察科"
    CONSUMER = "CONSUMER", "消费者权益保护科"
    CREDIT = "CREDIT", "信用监督管理科"
    LEGAL = "LEGAL", "法规科"
    REGISTRATION = "REGISTRATION", "登记注册科"
    PRICE = "PRICE", "价格监督与反不正当竞争科"
    QUALITY = "QUALITY", "产品质量安全监管科"
    DRUG = "DRUG", "药械化妆品监管科"
    ADVERTISING = "ADVERTISING", "广告与知识产权科"


OFFICE_SIDE = frozenset({Role.COMMISSIONER, Role.OFFICE_CLERK, Role.OFFICE_HEAD})
"""Who signs for the 所. Duty officer and leader stand on this side too."""
COMMUNITY_SIDE = frozenset({Role.GRID_WORKER, Role.COMMUNITY_HEAD})
"""Who signs for the 社."""
SEES_ALL = frozenset({Role.BUREAU, Role.BUREAU_LEADER, Role.AUDITOR})
ONLY_IN_PERSON = frozenset({Role.AUDITOR, Role.SYSTEM_ADMIN, Role.IDENTITY_KEEPER})
"""An absence does not hand these to the stand-in: only a backup named in the posting may act."""
STAND_ALONE = frozenset({Role.AUDITOR, Role.SYSTEM_ADMIN})
"""Who holds one of these holds, backs up and stands in for nothing else (三员分立)."""

SCOPE_OF_ROLE: dict[str, frozenset[str]] = {
    Role.GRID_WORKER: frozenset({"grid", "seat"}),
    Role.COMMISSIONER: frozenset({"grid"}),
    Role.OFFICE_CLERK: frozenset({"office"}),
    Role.OFFICE_HEAD: frozenset({"office"}),
    Role.COMMUNITY_HEAD: frozenset({"community"}),
    Role.DEPARTMENT_LIAISON: frozenset({"department"}),
    Role.STATION_MEDIATOR: frozenset({"station_code"}),
    Role.BUREAU_SECTION: frozenset({"section"}),
    Role.BUREAU: frozenset(),
    Role.BUREAU_LEADER: frozenset(),
    Role.SUBDISTRICT: frozenset({"subdistrict"}),
    Role.AUDITOR: frozenset(),
    Role.SYSTEM_ADMIN: frozenset(),
    Role.IDENTITY_KEEPER: frozenset(),
}
"""The columns that say where a posting holds; every other one is empty (a check constraint)."""
