"""Calling the REST API in tests."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.test import Client

from grids.demo import World
from tests.factories.accounts import bearer


@dataclass
class Api:
    """Django's test client, signed in by device token for each call."""

    client: Client

    def get(self, user: Any, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=bearer(user) if user else {})

    def post(
        self, user: Any, path: str, data: Any = None, version: int | str | None = None, **headers: str
    ) -> Any:
        """POST JSON; `version` becomes `If-Match: "v<version>"`, a string is sent as it is."""
        sent = {**(bearer(user) if user else {}), **headers}
        if version is not None:
            sent["If-Match"] = f'"v{version}"' if isinstance(version, int) else version
        body = data if isinstance(data, str | bytes) else json.dumps(data if data is not None else {})
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json", headers=sent)


def body(world: World, number: int = 1, **fields: Any) -> dict[str, Any]:
    """What a phone sends to report a hazard inside the grid with this number."""
    lon, lat = world.point_in(number)
    return {
        "client_uid": str(uuid.uuid4()),
        "category": "F03",
        "description": "后厨有老鼠",
        "location": {"lon": lon, "lat": lat, "crs": "wgs84", "accuracy_m": 12},
        **fields,
    }


def code_of(answer: Any) -> str:
    """The code of the first refusal."""
    return str(answer.json()["errors"][0]["code"])
