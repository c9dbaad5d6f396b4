"""A person's phone: signed in over HTTP, sending what a phone would send."""

from __future__ import annotations

import hashlib
import http.client
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

Lead = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came back. `etag` as sent, to be given back as `If-Match`; weak where the answer is compressed."""

    status: int
    content: bytes
    headers: Any

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def etag(self) -> str | None:
        found: str | None = self.headers.get("ETag")
        return found

    @property
    def code(self) -> str:
        """The stable code of a refusal."""
        code: str = self.body["errors"][0]["code"]
        return code

    @property
    def sentence(self) -> str:
        """What a refusal says to the person."""
        detail: str = self.body["errors"][0]["detail"]
        return detail

    def must_be(self, *statuses: int) -> Answer:
        """Itself, where the status is one of these."""
        assert self.status in statuses, f"{self.status}: {self.content.decode(errors='replace')[:2000]}"
        return self


class Phone:
    """One signed-in device. `answers` keeps the bytes of everything it was ever told."""

    def __init__(self, url: str, username: str, token: str) -> None:
        self.url, self.username, self.token = f"{url}/api/v1/", username, token
        self.answers: list[bytes] = []
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def sign_in(cls, url: str, username: str, password: str, device: str = "测试手机") -> Phone:
        """`POST auth/login`: a token for this device."""
        phone = cls(url, username, "")
        body = {"username": username, "password": password, "device_name": device}
        told = phone.post("auth/login", body).must_be(200).body
        assert told["user"]["username"] == username
        phone.answers.clear()
        phone.token = told["token"]
        phone._session.headers["Authorization"] = f"Bearer {phone.token}"
        return phone

    def twin(self) -> Phone:
        """The same person and token over a connection of its own, for asking at once."""
        return Phone(self.url.removesuffix("/api/v1/"), self.username, self.token)

    def close(self) -> None:
        self._session.close()

    # -- requests

    def get(self, path: str, **query: Any) -> Answer:
        return self._kept(self._session.get(self.url + path, params=query, timeout=30))

    def post(self, path: str, body: Any = None, *, if_match: str | None = None) -> Answer:
        headers = {} if if_match is None else {"If-Match": if_match}
        sent = self._session.post(self.url + path, json=body or {}, headers=headers, timeout=30)
        return self._kept(sent)

    def upload(self, content: bytes, **fields: Any) -> Answer:
        """`POST evidence/`, with its hash and a uid of its own unless given."""
        fields.setdefault("sha256", hashlib.sha256(content).hexdigest())
        fields.setdefault("client_uid", str(uuid.uuid4()))
        told = {k: v.isoformat() if isinstance(v, datetime) else str(v) for k, v in fields.items()}
        files = {"file": ("IMG_0001.jpg", content, "image/jpeg")}
        return self._kept(self._session.post(f"{self.url}evidence/", data=told, files=files, timeout=30))

    def hand_in(self, path: str, content: bytes, *, name: str, **fields: str) -> Answer:
        """A table: `multipart` with its fields."""
        sent = self._session.post(self.url + path, data=fields, files={"file": (name, content)}, timeout=120)
        return self._kept(sent)

    def lose_answer(self, path: str, body: Any, *, if_match: str | None = None) -> None:
        """Send a request and hang up at the first byte of the answer: it was done, and nobody was told."""
        host = self.url.split("/")[2]
        line = http.client.HTTPConnection(host, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            if if_match is not None:
                headers["If-Match"] = if_match
            line.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
            assert line.sock.recv(1) == b"H"
        finally:
            line.close()

    def _kept(self, response: requests.Response) -> Answer:
        self.answers.append(response.content)
        return Answer(response.status_code, response.content, response.headers)

    # -- leads

    def lead(self, lead_id: int) -> Lead:
        """The lead as this person sees it."""
        found: Lead = self.get(f"leads/{lead_id}/").must_be(200).body
        return found

    def try_act(self, lead_id: int, act: str, body: Any = None) -> Answer:
        """One act on a lead, with the version that this person has just seen."""
        seen = self.get(f"leads/{lead_id}/").must_be(200)
        return self.post(f"leads/{lead_id}/{act}/", body, if_match=seen.etag)

    def act(self, lead_id: int, act: str, body: Any = None) -> Lead:
        """One act that must succeed; the lead after it."""
        done = self.try_act(lead_id, act, body).must_be(200)
        lead: Lead = done.body
        assert done.etag is not None
        assert done.etag.removeprefix("W/") == f'"v{lead["version"]}"'
        return lead

    def orders(self, lead_id: int) -> list[dict[str, Any]]:
        """The supervision orders on a lead, oldest first."""
        found = self.get("supervision-orders/", lead=lead_id).must_be(200).body["results"]
        return sorted(found, key=lambda order: order["id"])

    def acknowledge(self, order_id: int, instruction: str, note: str = "") -> Answer:
        """签收督办单, with the version that this person has just seen."""
        seen = self.get(f"supervision-orders/{order_id}/").must_be(200)
        body = {"instruction": instruction, "note": note}
        return self.post(f"supervision-orders/{order_id}/acknowledge/", body, if_match=seen.etag)

    def notices(self, lead_id: int) -> list[str]:
        """Templates of the notices that this person has about a lead, oldest first."""
        found = self.get("notices/", page_size=200).must_be(200).body["results"]
        about = [one for one in found if one["subject"] == {"kind": "lead", "id": lead_id}]
        return [one["template"] for one in reversed(about)]

    # -- whistles

    def whistle_act(self, whistle_id: int, act: str, body: Any = None) -> dict[str, Any]:
        """One act on a whistle that must succeed, with the version that this person has just seen."""
        seen = self.get(f"whistles/{whistle_id}/").must_be(200)
        done: dict[str, Any] = (
            self.post(f"whistles/{whistle_id}/{act}/", body, if_match=seen.etag).must_be(200).body
        )
        return done
