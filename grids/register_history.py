"""变更历史: the journal of a business in words: who, when, what, from, to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet

from grids.models.licences import told_number
from grids.register_reveal import REVEALABLE
from grids.register_words import label, shown, told
from kernel.approvals import kinds
from kernel.journal.models import Entry

WORDS = {
    "entity.created": "登记建档",
    "entity.changed": "修改信息",
    "entity.imported": "批量导入",
    "entity.licence_added": "登记证照",
    "entity.licence_changed": "更新证照",
    "entity.equipment_added": "登记设备",
    "entity.equipment_changed": "更新设备",
    "entity.revealed": "查看完整信息",
    "entity.duplicate_judged": "核对疑似重复主体",
    "approval.asked": "提出申请",
    "approval.approved": "同意申请",
    "approval.refused": "不同意申请",
    "approval.lapsed": "申请逾期未批",
    "approval.withdrawn": "申请已撤回",
}
"""What each kind of entry is called. Higher apps add theirs (`name`)."""
OTHER = "其他记录"


Subject = Callable[[Mapping[str, Any]], str]
_subjects: dict[str, Subject] = {}


def name(kind: str, words: str, subject: Subject | None = None) -> None:
    """Say what a kind of entry is called, and what its data tell beside changed fields."""
    WORDS[kind] = words
    if subject is not None:
        _subjects[kind] = subject


def entries(entity_id: int) -> QuerySet[Entry]:
    """The journal of a business; the caller has seen to it that it may be read."""
    return Entry.objects.filter(stream=f"entity:{entity_id}")


def line(entry: Entry) -> dict[str, Any]:
    """One entry as people read it."""
    said: dict[str, Any] = entry.data
    changes = said.get("changes") or {}
    return {
        "id": entry.pk,
        "at": entry.at,
        "by": entry.actor_name,
        "kind": entry.kind,
        "what": WORDS.get(entry.kind, OTHER),
        "subject": _subject(entry.kind, said),
        "changes": [
            {
                "field": field,
                "label": label(field),
                "from": shown(field, one.get("from")),
                "to": shown(field, one.get("to")),
            }
            for field, one in changes.items()
            if isinstance(one, dict)
        ],
        "reason": said.get("reason") or said.get("note") or "",
        "text": told(changes) if entry.kind.startswith("entity.") else "",
    }


def _subject(kind: str, said: dict[str, Any]) -> str:
    """What it was about, beside its fields: a licence, a field, another business."""
    if kind.startswith("approval."):
        return kinds.label(str(said.get("kind", "")))
    if kind == "entity.revealed":
        return REVEALABLE.get(str(said.get("field")), "")
    if kind == "entity.duplicate_judged":
        verdict = "同一家" if said.get("verdict") == "SAME" else "不是同一家"
        return f"{said.get('other_name', '')}（{verdict}）"
    if kind == "entity.imported":
        return _brought(said)
    told = _subjects.get(kind)
    return told(said) if told else str(said.get("what", ""))


def _brought(said: Mapping[str, Any]) -> str:
    """What a file brought beside changed fields: the business itself, licences with their last days."""
    found = ["新登记"] if said.get("created") else []
    for one in said.get("licences", ()):
        until = f"有效期至{one['to']}" if one.get("to") else "长期有效"
        number = told_number(str(one.get("type")), str(one.get("number")))
        found.append(f"{shown('type', one.get('type'))} {number}（{until}）")
    return "；".join(found)
