"""What a change of the register is called, and how its values stand in a journal that is never erased."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from unicodedata import category

from grids.models import BusinessEntity, BusinessType, EntityKind, EntityStatus, EquipmentKind, LicenceType
from kernel.accounts.masking import mask_name, mask_phone, mask_text

KEY = ("name", "uscc", "status")
"""名称、代码、状态: what the commissioner confirms."""
PLAIN = (
    "kind", "business_types", "is_campus_peripheral", "operator_name", "contact_name", "contact_phone",
    "address", "established_on", "remark",
)  # fmt: skip
PLACE = ("lon", "lat", "community_id", "grid_id")
_MASKS = {
    "operator_name": mask_name,
    "contact_name": mask_name,
    "contact_phone": mask_phone,
    "remark": mask_text,
    "address": mask_text,
}
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
LABELS = {
    "location": "位置",
    "grid": "网格",
    "community": "社区",
    "placed_by": "落格方式",
    "number": "编号",
    "type": "证照类型",
    "issued_on": "发证日期",
    "expires_on": "有效期至",
    "ended_on": "注销（停用）日期",
    "place": "所在位置",
    "next_test_on": "下次检验日期",
}
_CHOICES: Mapping[str, Any] = {
    "kind": {**dict(EntityKind.choices), **dict(EquipmentKind.choices)},
    "status": dict(EntityStatus.choices),
    "type": dict(LicenceType.choices),
    "placed_by": {"POINT": "按位置", "COMMUNITY": "按社区", "HAND": "人工指定", "": "未落格"},
}


def one_line(text: str) -> str:
    """Without line breaks, blanks at its ends, and what nobody sees (signs without width, or that turn the
    direction of writing): two names that look the same are the same."""
    seen = (" " if category(sign) in _BREAKS else sign for sign in text if category(sign) != "Cf")
    return " ".join("".join(seen).split())


def label(field: str) -> str:
    """What people call a field of the register."""
    if field in LABELS:
        return LABELS[field]
    found: Any = BusinessEntity._meta.get_field(field)
    return str(found.verbose_name)


def kept(field: str, value: Any) -> Any:
    """A value as the journal keeps it: persons masked, dates as text."""
    if isinstance(value, date):
        return value.isoformat()
    mask = _MASKS.get(field)
    return mask(value) if mask and isinstance(value, str) else value


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`{field: {"from", "to"}}` of what differs, as the journal keeps it."""
    return {
        field: {"from": kept(field, before.get(field)), "to": kept(field, value)}
        for field, value in after.items()
        if before.get(field) != value
    }


def shown(field: str, value: Any) -> str:
    """A kept value in words."""
    if value is None or value == "" or value == []:
        return "未填写"
    if isinstance(value, bool):
        return "是" if value else "否"
    if field == "business_types":
        return "、".join(str(BusinessType(one).label) for one in value)
    if field in ("expires_on", "next_test_on", "issued_on", "ended_on", "established_on"):
        return str(value)
    if field == "location" and isinstance(value, list):
        return f"{value[0]:.6f}，{value[1]:.6f}"
    return str(_CHOICES.get(field, {}).get(value, value))


def told(changes: Mapping[str, Mapping[str, Any]]) -> str:
    """`名称：甲 → 乙；状态：在营 → 歇业`."""
    return "；".join(
        f"{label(field)}：{shown(field, one.get('from'))} → {shown(field, one.get('to'))}"
        for field, one in changes.items()
    )
