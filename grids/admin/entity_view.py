"""The page of one business (一店一档) and its acts: read here, changed through the register's services."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse

from grids import contacts, entity_page, register, register_history, register_licences
from grids.access import scope_of
from grids.admin.kept import ENDED, TONES, validity
from grids.entity_page import Link, Panel
from grids.forms_register import EntityForm, EquipmentForm, LicenceForm, RevealForm, as_given
from grids.models import BusinessEntity, BusinessType, EntityStatus, Equipment, Licence
from grids.own_pages import seen
from grids.register import EquipmentGiven, LicenceGiven
from grids.register_reveal import REVEALABLE, reveal
from grids.register_rights import keeper_seat, may_place_by_hand
from grids.sketch import Sketch, sketch
from kernel.accounts.masking import mask_name, mask_phone
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.errors import DomainError

if TYPE_CHECKING:
    from grids.admin.register import BusinessEntityAdmin

TAKE_BACK = "admin:grids_keychange_take_back"
MOST_LINES = 100
MOST_CONTACTS = 20
LONGEST_NUMBER = 19
STATUS_TONES = {
    EntityStatus.ACTIVE: "success", EntityStatus.SUSPENDED: "warning", EntityStatus.REVOKED: "danger",
}  # fmt: skip


def may_keep(entity: BusinessEntity, by: User) -> bool:
    return keeper_seat(scope_of(by), entity.grid) is not None


# --- panels ----------------------------------------------------------------------------------------


def address_of(name: str, entity: BusinessEntity) -> str:
    return reverse(f"admin:grids_businessentity_{name}", args=[entity.pk])


def papers(entity: BusinessEntity, by: User, at: datetime) -> Panel:
    """Licences and equipment, each with how long it is good. Two statements."""
    today = local_date(at)
    keeps = may_keep(entity, by)
    rows = [
        *_rows(entity.licences.order_by("type", "number"), "licence", today, keeps),
        *_rows(entity.equipment.order_by("kind", "number"), "equipment", today, keeps),
    ]
    rows.sort(key=lambda row: row["standing"] == ENDED)
    links = (
        (
            Link("登记证照", address_of("licence", entity), "add"),
            Link("登记设备", address_of("equipment", entity), "add"),
        )
        if keeps
        else ()
    )
    return Panel("证照和设备", "grids/entity/papers.html", {"rows": rows}, links)


def _rows(found: Any, what: str, today: Any, keeps: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    row: Licence | Equipment
    for row in found:
        until = row.expires_on if isinstance(row, Licence) else row.next_test_on
        standing = validity(until, row.ended_on, today)
        address = f"{address_of(what, row.entity)}?row={row.pk}" if keeps else ""
        name = row.get_type_display() if isinstance(row, Licence) else row.get_kind_display()
        number = row.told_number if isinstance(row, Licence) and not keeps else row.number
        rows.append(
            {
                "name": name, "number": number, "until": until, "standing": standing,
                "tone": TONES[standing], "address": address, "tested": isinstance(row, Equipment),
            }
        )  # fmt: skip
    return rows


def calls(entity: BusinessEntity, by: User, at: datetime) -> Panel:
    """入企记录: how often, and the latest. Two statements."""
    found = contacts.of(entity.pk).filter(at__lte=at).select_related("by")
    rows = list(found.order_by("-at", "-id")[:MOST_CONTACTS])
    hint = contacts.lines([entity.pk], at)[entity.pk]
    return Panel("入企记录", "grids/entity/contacts.html", {"rows": rows}, aside=True, hint=hint)


def place(entity: BusinessEntity, by: User, at: datetime) -> Panel:
    """Where it is: a drawing of its grid with the point."""
    point = None if entity.lon is None or entity.lat is None else (entity.lon, entity.lat)
    drawn: Sketch | None = sketch([entity.grid] if entity.grid else [], point)
    return Panel("位置", "grids/entity/place.html", {"sketch": drawn, "entity": entity}, aside=True)


def history(entity: BusinessEntity, by: User, at: datetime) -> Panel:
    """变更历史 from the journal. One statement."""
    rows = register_history.entries(entity.pk).order_by("-seq")[: MOST_LINES + 1]
    lines = [register_history.line(entry) for entry in rows]
    shown = {"lines": lines[:MOST_LINES], "more": len(lines) > MOST_LINES}
    return Panel("变更历史", "grids/entity/history.html", shown)


entity_page.add(20, papers)
entity_page.add(60, calls)
entity_page.add(15, place)
entity_page.add(90, history)


# --- pages -----------------------------------------------------------------------------------------


def show(admin: BusinessEntityAdmin, request: HttpRequest, entity: BusinessEntity) -> HttpResponse:
    """The whole page."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    by = admin.me(request)
    panels = entity_page.panels(entity, by, scope_of(by).at)
    keeps = may_keep(entity, by)
    links = []
    if keeps:
        links = [
            Link("修改信息", address_of("edit", entity), "edit"),
            Link("查看完整信息", address_of("reveal", entity), "visibility"),
        ]
    waiting = entity.key_changes.filter(state="WAITING").select_related("asked_by").first()
    if waiting is not None and waiting.may_be_taken_back_by(by.pk):
        links.append(Link("撤回关键信息变更", reverse(TAKE_BACK, args=[waiting.pk]), "undo"))
    shown = {
        "entity": entity,
        "original": entity,
        "panels": panels,
        "badges": [badge for panel in panels for badge in panel.badges],
        "status_tone": STATUS_TONES.get(EntityStatus(entity.status), "default"),
        "trades": "、".join(str(BusinessType(one).label) for one in entity.business_types),
        "operator": mask_name(entity.operator_name),
        "contact": mask_name(entity.contact_name),
        "phone": mask_phone(entity.contact_phone),
        "links": links,
        "waiting": waiting,
    }
    return admin.render(request, "grids/entity/page.html", shown, title=entity.name)


def edit(admin: BusinessEntityAdmin, request: HttpRequest, entity: BusinessEntity) -> HttpResponse:
    by = admin.me(request)
    form = EntityForm(
        request.POST or None,
        initial=EntityForm.initial_of(entity),
        by=by,
        by_hand=may_place_by_hand(scope_of(by)),
    )

    def act(values: dict[str, Any], by: User, at: datetime) -> str:
        done = register.edit(
            entity_id=entity.pk,
            by=by,
            expect=seen(values["version"]),
            changes=form.changes(),
            reason=values["reason"],
        )
        return "已提交，名称、代码或状态的修改由专员确认后生效。" if done.waiting else "已保存。"

    back = admin.row_address(entity)
    return admin.ask(request, title=f"修改{entity.name}", submit="保存", act=act, form=form, back=back)


def licence(admin: BusinessEntityAdmin, request: HttpRequest, entity: BusinessEntity) -> HttpResponse:
    """Add a licence, or renew or end the one that `?row=` names."""
    names = ("type", "number", "issued_on", "expires_on", "ended_on")
    initial = _initial(entity, request, entity.licences, names)

    def act(values: dict[str, Any], by: User, at: datetime) -> str:
        given = LicenceGiven(**as_given(values))  # type: ignore[arg-type]
        register_licences.keep_licences(
            entity_id=entity.pk, by=by, expect=seen(values["version"]), licences=[given]
        )
        return "证照已登记。"

    form = LicenceForm(request.POST or None, initial=initial)
    effect = "类型和编号相同的，更新原有证照；不同的，登记为新证照。"
    return admin.ask(
        request, title=f"登记证照　{entity.name}", submit="保存", act=act, form=form, effect=effect,
        back=admin.row_address(entity),
    )  # fmt: skip


def equipment(admin: BusinessEntityAdmin, request: HttpRequest, entity: BusinessEntity) -> HttpResponse:
    """Add a piece of equipment, or bring the one that `?row=` names up to date."""
    names = ("kind", "number", "place", "next_test_on", "ended_on")
    initial = _initial(entity, request, entity.equipment, names)

    def act(values: dict[str, Any], by: User, at: datetime) -> str:
        given = EquipmentGiven(**as_given(values))  # type: ignore[arg-type]
        register_licences.keep_equipment(
            entity_id=entity.pk, by=by, expect=seen(values["version"]), equipment=[given]
        )
        return "设备已登记。"

    form = EquipmentForm(request.POST or None, initial=initial)
    effect = "种类和编号相同的，更新原有设备；不同的，登记为新设备。"
    return admin.ask(
        request, title=f"登记设备　{entity.name}", submit="保存", act=act, form=form, effect=effect,
        back=admin.row_address(entity),
    )  # fmt: skip


def _initial(
    entity: BusinessEntity, request: HttpRequest, rows: Any, names: tuple[str, ...]
) -> dict[str, Any]:
    number = request.GET.get("row", "")
    is_number = number.isascii() and number.isdigit() and len(number) < LONGEST_NUMBER
    known = rows.filter(pk=int(number)).first() if is_number else None
    return {"version": entity.version, **({name: getattr(known, name) for name in names} if known else {})}


def reveal_one(admin: BusinessEntityAdmin, request: HttpRequest, entity: BusinessEntity) -> HttpResponse:
    """Show one masked value whole, on the answer to the POST alone."""
    form = RevealForm(request.POST or None)
    found: tuple[str, str] | None = None
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                field = form.cleaned_data["field"]
                value = reveal(
                    entity_id=entity.pk, field=field, reason=form.cleaned_data["reason"], by=admin.me(request)
                )
                found, status = (REVEALABLE[field], value or "未填写"), 200
                form = RevealForm()
            except DomainError as refused:
                form.add_error("reason" if refused.attr == "reason" else None, refused.detail)
                status = refused.status
    shown = {
        "entity": entity,
        "original": entity,
        "form": form,
        "found": found,
        "back": admin.row_address(entity),
    }
    return admin.render(
        request, "grids/entity/reveal.html", shown, title=f"查看完整信息　{entity.name}", status=status
    )
