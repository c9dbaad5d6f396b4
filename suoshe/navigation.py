"""The admin's sidebar: what this person may open, grouped as the work is.

The grouping is by model, so an app that registers its admin appears by itself; a model that no
group names stands under its own app's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

__all__ = ["GROUPS", "Group", "favicon", "groups", "password_change", "second_factor", "stylesheet"]


@dataclass(frozen=True, slots=True)
class Group:
    """One heading of the sidebar; `models` maps `app_label.model` to an icon of Material Symbols.

    `pages` are other pages (model, title, icon, view), each for who may see that model.
    """

    title: str
    models: dict[str, str]
    pages: tuple[tuple[str, str, str, str], ...] = ()


GROUPS = [
    Group(
        "问题办理",
        {
            "leads.lead": "assignment",
            "leads.supervisionorder": "campaign",
            "leads.lookback": "history",
            "leads.whistle": "sports",
            "leads.guidance": "support_agent",
            "leads.leniencydecision": "handshake",
            "leads.answer": "call",
            "leads.survey": "sentiment_satisfied",
            "leads.leadreporter": "lock_person",
            "leads.matter": "inbox",
            "leads.keptcomplaint": "balance",
            "leads.category": "category",
            "approvals.approval": "approval",
            "evidence.evidence": "photo_library",
        },
    ),
    Group(
        "网格与人员",
        {
            "grids.grid": "map",
            "grids.posting": "badge",
            "grids.absence": "event_busy",
            "grids.dutyshift": "calendar_month",
            "grids.workgroup": "groups",
            "grids.taskitem": "checklist",
            "grids.responsibilityitem": "assignment_ind",
        },
    ),
    Group(
        "经营主体",
        {
            "grids.businessentity": "storefront",
            "grids.licence": "license",
            "grids.equipment": "elevator",
            "grids.keychange": "published_with_changes",
            "grids.duplicatepair": "content_copy",
            "grids.entitycontact": "door_front",
            "grids.importfile": "upload_file",
        },
    ),
    Group(
        "信用分类",
        {
            "credit.creditstanding": "grade",
            "credit.creditassessment": "history",
            "credit.creditfact": "fact_check",
            "credit.creditreview": "event_repeat",
            "credit.appeal": "gavel",
            "credit.repair": "healing",
            "credit.redpartner": "workspace_premium",
            "credit.creditscheme": "rule",
        },
    ),
    Group(
        "巡查检查",
        {
            "patrols.patroltask": "route",
            "patrols.patrolvisit": "directions_walk",
            "patrols.inspectionpaper": "policy",
            "patrols.enforcementcard": "badge",
            "patrols.planrun": "event_upcoming",
            "patrols.patrolpolicy": "tune",
        },
    ),
    Group(
        "消费维权",
        {
            "stations.dispute": "handshake",
            "stations.station": "home_repair_service",
            "stations.circleshop": "storefront",
            "stations.hotshop": "local_fire_department",
        },
        (
            ("stations.dispute", "服务站工作台", "desk", "admin:stations_dispute_desk"),
            ("stations.dispute", "纠纷统计", "monitoring", "admin:stations_dispute_figures"),
        ),
    ),
    Group(
        "机构与辖区",
        {
            "grids.office": "account_balance",
            "grids.community": "home_work",
            "grids.subdistrict": "location_city",
            "grids.department": "domain",
            "leads.departmentcontact": "contact_phone",
            "leads.departmentpolicy": "handshake",
        },
    ),
    Group(
        "统计报表",
        {
            "reports.slareport": "monitoring",
            "reports.reportrun": "history",
            "reports.dailygridstat": "bar_chart",
        },
    ),
    Group(
        "时限与通知",
        {
            "deadlines.deadline": "timer",
            "deadlines.limitpolicy": "rule",
            "deadlines.calendarday": "date_range",
            "notices.outboxmessage": "outbox",
            "notices.deadletter": "unsubscribe",
            "notices.robot": "smart_toy",
            "notices.smsgateway": "sms",
            "notices.webhookendpoint": "webhook",
            "notices.webhookdelivery": "published_with_changes",
            "leads.platform": "hub",
        },
    ),
    Group(
        "系统运行",
        {
            "deadlines.heartbeat": "favorite",
            "deadlines.event": "alarm_on",
            "deadlines.poisonrow": "report",
        },
        (("deadlines.heartbeat", "系统运行状况", "monitor_heart", "admin:health"),),
    ),
    Group(
        "账号与审计",
        {
            "accounts.user": "manage_accounts",
            "accounts.device": "devices",
            "offline.operation": "cloud_sync",
            "journal.entry": "receipt_long",
            "journal.seal": "verified",
        },
    ),
]


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's navigation for this request: only models that its user may see."""
    visible = {
        f"{app['app_label']}.{model['object_name'].lower()}": (app, model)
        for app in admin.site.get_app_list(request)
        for model in app["models"]
        if model["admin_url"]
    }
    front = {"title": "工作台", "icon": "dashboard", "link": reverse("admin:index")}
    found: list[dict[str, Any]] = [{"title": None, "items": [front]}]
    for group in GROUPS:
        items = [
            {"title": title, "icon": icon, "link": reverse(view)}
            for name, title, icon, view in group.pages
            if name in visible
        ]
        items += [_item(visible.pop(name)[1], icon) for name, icon in group.models.items() if name in visible]
        if items:
            found.append({"title": group.title, "items": items})
    others: dict[str, list[dict[str, Any]]] = {}
    for app, model in visible.values():
        others.setdefault(str(app["name"]), []).append(_item(model, "table_rows"))
    return found + [{"title": title, "items": items} for title, items in others.items()]


def _item(model: dict[str, Any], icon: str) -> dict[str, Any]:
    return {
        "title": str(model["name"]),
        "icon": icon,
        "link": model["admin_url"],
        "add": model.get("add_url"),
    }


def stylesheet(request: HttpRequest) -> str:
    return static("suoshe/admin.css")


def favicon(request: HttpRequest) -> str:
    return static("suoshe/favicon.svg")


def password_change(request: HttpRequest) -> str:
    return reverse("admin:password_change")


def second_factor(request: HttpRequest) -> str:
    return reverse("admin:second_factor_enrol")
