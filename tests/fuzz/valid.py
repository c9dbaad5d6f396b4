"""Calls that the house would answer well: what is broken from here on, and whose numbers exist.

Most come from the matrix of roles and endpoints; here are fuller bodies, where those are bare.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.urls import resolve

from kernel import clock
from suoshe.api_docs import document
from tests.factories.accounts import PASSWORD
from tests.factories.house import House
from tests.test_roles_and_endpoints import ENTRIES, PEOPLE, Entry

PREFIX = "/api/v1/"
METHODS = ("get", "post", "put", "patch", "delete")
HELD = re.compile(r"\{(\w+)\.pk\}")


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Every path, method and operation of the document."""
    return [
        (path, method, operation)
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


@dataclass(frozen=True)
class Call:
    """One call that would be answered well, but for what is done to it."""

    entry: Entry
    person: str
    body: Callable[[House], dict[str, Any]]

    @property
    def method(self) -> str:
        return self.entry.method

    def path(self, house: House) -> str:
        return PREFIX + self.entry.path.format(**vars(house))

    def version(self, house: House) -> int | None:
        """The present version of what the call changes."""
        if self.entry.version is None:
            return None
        if held := HELD.search(self.entry.path):
            getattr(house, held.group(1)).refresh_from_db(fields=["version"])
        return self.entry.version(house)

    def __str__(self) -> str:
        return f"{self.method} {self.entry.path} as {self.person}"


def _welcome(entry: Entry) -> str:
    """Somebody whom the matrix promises a good answer, or the one who comes nearest to it."""
    for status in sorted(entry.expected):
        if entry.expected[status]:
            return min(entry.expected[status], key=list(PEOPLE).index)
    return "worker"


# --- fuller bodies -----------------------------------------------------------------------------------


def _in_days(days: float) -> str:
    return (clock.now() + timedelta(days=days)).isoformat()


def _place(house: House) -> dict[str, Any]:
    lon, lat = house.world.point_in(1)
    return {"lon": lon, "lat": lat, "crs": "gcj02", "accuracy_m": 12.5}


def _lead(house: House) -> dict[str, Any]:
    return {
        "client_uid": str(uuid.uuid4()),
        "category": "F03",
        "description": "后厨有老鼠",
        "severity": "SERIOUS",
        "location": _place(house),
        "address": "西门外",
        "entity": house.entity.pk,
        "evidence": [{"sha256": "0" * 64}],
        "captured_at": clock.now().isoformat(),
        "reporter": {"name": "李四", "phone": "13800001111"},
    }


def _leniency(house: House) -> dict[str, Any]:
    said = {"route": "FIRST_MINOR", "harm": "minor", "corrected_at": clock.now().isoformat()}
    return {"disposal": {"kind": "leniency", "note": "首次", "leniency": said | {"guidance": "已讲解"}}}


def _rectify(house: House) -> dict[str, Any]:
    disposal = {"kind": "rectify", "note": "责令改正", "rectify_due_at": _in_days(7)}
    return {"disposal": disposal, "evidence": [house.own_evidence.pk]}


def _handed(house: House) -> dict[str, Any]:
    told = {"kind": "handed_over", "note": "移交", "department": "fire", "document_number": "公函1号"}
    return {"disposal": told}


def _check_in(house: House) -> dict[str, Any]:
    return {"location": _place(house), "note": "已到", "department": "police"}


def _whistle(house: House) -> dict[str, Any]:
    return {
        "client_uid": str(uuid.uuid4()),
        "lead": house.dispatched.pk,
        "grid": house.world.grid(1).code,
        "departments": ["citymgmt", "fire"],
        "reason": "消防通道被占",
        "place": "北门",
    }


def _queue(house: House) -> dict[str, Any]:
    """What an offline phone queued: a report, an act on it, and one that waits."""
    uid = str(uuid.uuid4())
    act = {"client_uid": str(uuid.uuid4()), "path": f"leads/uid:{uid}/recuse/", "if_match": '"v1"'}
    return {
        "sent_at": clock.now().isoformat(),
        "operations": [
            {"client_uid": uid, "path": "leads/", "body": _lead(house), "captured_at": _in_days(-1)},
            act | {"body": {"reason": "亲属"}},
            {"client_uid": str(uuid.uuid4()), "path": "leads/1/respond/", "after": [str(uuid.uuid4())]},
        ],
    }


FULLER: dict[str, list[tuple[str, Callable[[House], dict[str, Any]]]]] = {
    "leads": [("worker", _lead)],
    "whistles": [("community", _whistle)],
    "whistle-check-in": [("liaison", _check_in)],
    "lead-feedback": [("commissioner", _rectify), ("commissioner", _handed), ("commissioner", _leniency)],
    "sync": [("worker", _queue), ("commissioner", _queue)],
    "auth-login": [
        ("nobody", lambda house: {"username": "worker-01-1", "password": "wrong", "device_name": "手机"})
    ],
    "auth-password": [
        ("nobody", lambda house: {"old_password": PASSWORD, "new_password": "Other-pass-2027"})
    ],
}


@cache
def writes() -> tuple[Call, ...]:
    """Every writing call with a JSON body, of somebody who may."""
    made = [
        Call(entry, _welcome(entry), entry.body)
        for entry in ENTRIES
        if entry.method in ("POST", "PATCH", "PUT") and not entry.multipart
    ]
    by_name = {call.entry.name: call for call in made if call.method == "POST"}
    fuller = [
        Call(by_name[name].entry, person, body) for name, all_ in FULLER.items() for person, body in all_
    ]
    return (*made, *fuller)


def real(path: str, house: House) -> list[dict[str, str]]:
    """Values of a path's parameters that exist in the house, those of its own calls first."""
    names = re.findall(r"\{(\w+)\}", path)
    if not names:
        return [{}]
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", "([^/?]+)", re.escape(path)) + r"/?(?:\?.*)?")
    served = resolve(re.sub(r"\{\w+\}", "1", path)).url_name
    found = []
    for entry in ENTRIES:
        if entry.name != served:
            continue  # such as `duty-shifts/import/`, which `duty-shifts/{id}/` is not
        if m := pattern.fullmatch(PREFIX + entry.path.format(**vars(house))):
            found.append(dict(zip(names, m.groups(), strict=True)))
    if path.startswith(f"{PREFIX}leads/{{id}}"):
        found += [{"id": str(lead.pk)} for lead in house.leads().values()]
    return found
