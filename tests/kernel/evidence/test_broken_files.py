"""Whatever bytes come: an answer of the documented kinds, and nothing left behind by a refusal."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from kernel.evidence import decoding, recordings
from kernel.evidence.models import Evidence
from tests.factories.accounts import bearer, make_user
from tests.factories.photos import make_photo, upload
from tests.factories.recordings import make_video, make_voice

SEEDS = {
    "JPEG": make_photo(place=(116.75, 36.18), orientation=6),
    "PNG": make_photo(kind="PNG"),
    "WEBP": make_photo(kind="WEBP"),
    "HEIF": make_photo(kind="HEIF"),
    "mp4": make_video(created="2026-11-23T06:30:05Z", place="+36.1800+116.7500/"),
    "m4a": make_voice(seconds=0.3),
    "aac": make_voice(kind="aac", seconds=0.3),
    "amr": make_voice(kind="amr", seconds=0.3),
}
FUZZ: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@st.composite
def mutated(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(SEEDS)) -> bytes:
    """A file with some bytes changed, a piece taken out or put in twice, perhaps cut short."""
    content = bytearray(SEEDS[draw(st.sampled_from(kinds))])
    for _ in range(draw(st.integers(0, 5))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        start, length = draw(st.integers(0, len(content))), draw(st.integers(0, 400))
        piece = content[start : start + length]
        content[start : start + length] = piece * draw(st.sampled_from([0, 2]))
    return bytes(content[: draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])


def here(act: str, file: Any, decoder: str) -> tuple[int, bytes]:
    """What the child does, without a process for each example."""
    file.seek(0)
    try:
        found = decoding.look(io.BytesIO(file.read()), decoder)
    except decoding.Unusable as refused:
        return 3, str(refused).encode()
    return 0, recordings.json.dumps(found).encode()


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.django_db
@bounded(max_examples=200, **FUZZ)
@given(content=st.one_of(mutated(), st.binary(max_size=200)))
@example(content=b"")
@example(content=b"\0\0\0\x18ftyp")
@example(content=b"\xff\xf1")
def test_broken_bytes_never_500_and_leave_nothing(
    client: Client, media: Path, temporary: Path, in_process: Any, sender: Any, content: bytes
) -> None:
    before = Evidence.objects.count()
    answer = client.post("/api/v1/evidence/", upload(content), headers=sender)
    assert answer.status_code in {201, 415, 422}, answer.content
    assert Evidence.objects.count() - before == (answer.status_code == 201)
    assert len(kept(media)) == Evidence.objects.count()
    assert kept(temporary) == []


@pytest.fixture
def sender() -> Any:
    return bearer(make_user())


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "_run", here)


@bounded(max_examples=12, **FUZZ)
@given(content=mutated(kinds=("mp4", "m4a", "aac", "amr")))
def test_the_child_ends_by_itself_whatever_it_reads(content: bytes) -> None:
    decoder = "mp4" if content[4:8] == b"ftyp" else "amr" if content[:5] == b"#!AMR" else "aac"
    status, out = recordings._run("look", io.BytesIO(content), decoder)
    assert status == 0 or (status == 3 and out.decode() in recordings.SENTENCES)


@bounded(max_examples=40, **FUZZ)
@given(content=mutated(kinds=("mp4",)))
def test_what_was_taken_can_be_shown_or_not_but_never_crashes(content: bytes) -> None:
    with contextlib.suppress(Exception):
        assert decoding.still(io.BytesIO(content), "mp4")
