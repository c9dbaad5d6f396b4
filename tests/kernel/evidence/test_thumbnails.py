"""Thumbnails made beside the request, and files under concurrency."""

from __future__ import annotations

import hashlib
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from kernel import clock
from kernel.accounts.models import User
from kernel.evidence import store, tasks, thumbnails
from kernel.evidence.models import Evidence
from tests.factories.accounts import make_user
from tests.factories.photos import make_photo


def receive(by: User, content: bytes, uid: uuid.UUID | None = None) -> tuple[Evidence, bool]:
    return store.receive(
        file=SimpleUploadedFile("a.jpg", content), sha256=hashlib.sha256(content).hexdigest(),
        client_uid=uid or uuid.uuid4(), captured_at=None, place=None, by=by, at=clock.now(),
    )  # fmt: skip


def kept(media: Path) -> list[str]:
    return [path.name for path in media.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_a_round_makes_what_is_missing_once(media: Path) -> None:
    me = make_user()
    for colour in ("red", "green", "blue"):
        receive(me, make_photo(colour=colour))
    tasks.make_thumbnails()
    assert all(default_storage.exists(e.thumbnail.name) for e in Evidence.objects.all())
    assert thumbnails.make_missing() == 0
    assert len(kept(media)) == 6


@pytest.mark.django_db
def test_a_bad_photo_stops_no_other_and_is_tried_three_times(media: Path) -> None:
    me = make_user()
    bad, _ = receive(me, make_photo(colour="red"))
    receive(me, make_photo(colour="blue"))
    Path(default_storage.path(bad.file.name or "")).write_bytes(b"harm")
    assert [thumbnails.make_missing() for _ in range(5)] == [1, 0, 0, 0, 0]
    bad.refresh_from_db()
    assert bad.thumbnail_attempts == 3


def at_once(count: int, act: Any) -> list[Any]:
    found: list[Any] = []
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait()
            found.append(act())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.usefixtures("committed_db")
def test_one_upload_arriving_six_times_at_once_is_one_photo(media: Path) -> None:
    me, uid, content = make_user(), uuid.uuid4(), make_photo(size=(300, 300))
    answers = at_once(6, lambda: receive(me, content, uid))
    assert sorted(created for _, created in answers) == [False] * 5 + [True]
    assert {evidence.pk for evidence, _ in answers} == {Evidence.objects.get().pk}
    assert len(kept(media)) == 1


@pytest.mark.usefixtures("committed_db")
def test_several_rounds_and_readers_at_once_leave_one_thumbnail(media: Path) -> None:
    receive(make_user(), make_photo(size=(900, 900)))

    def act() -> str:
        thumbnails.make_missing()
        return thumbnails.ensure(evidence=Evidence.objects.get(), at=clock.now())

    paths = at_once(4, act)
    assert len(set(paths)) == 1
    assert len(kept(media)) == 2
