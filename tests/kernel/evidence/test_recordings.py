"""Videos and voice notes: what they are, what they say, what is refused, and that a child does the work."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from PIL import Image

from kernel.errors import DomainError
from kernel.evidence import decoding, inspection, photos, recordings
from kernel.evidence.content import MP4, Content
from kernel.evidence.policy import Place
from tests.factories.recordings import make_video, make_voice


def inspect(content: bytes) -> Content:
    return inspection.inspect(io.BytesIO(content))


def refusal_of(content: bytes) -> str:
    with pytest.raises(DomainError) as caught:
        inspect(content)
    assert caught.value.status in {415, 422}
    return caught.value.code


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_a_video_is_measured(codec: str) -> None:
    found = inspect(make_video(codec=codec, created="2026-11-23T06:30:05Z", place="+36.1800+116.7500/"))
    assert (found.kind, found.content_type, found.extension) == ("video", "video/mp4", "mp4")
    assert (found.width, found.height, found.duration_ms) == (64, 48, 1000)
    assert found.exif.taken_at == datetime(2026, 11, 23, 6, 30, 5, tzinfo=UTC)
    assert found.exif.place == Place(116.75, 36.18)


@pytest.mark.parametrize(
    ("content", "content_type", "extension"),
    [
        (make_voice(), "audio/mp4", "m4a"),
        (make_voice(container="mp4"), "audio/mp4", "m4a"),
        (make_voice(kind="aac"), "audio/aac", "aac"),
        (make_voice(kind="amr"), "audio/amr", "amr"),
        (make_voice(kind="amr", container="3gp"), "audio/3gpp", "3gp"),
    ],
    ids=["m4a", "mp4 without pictures", "aac", "amr", "3gp"],
)
def test_a_voice_note_is_measured(content: bytes, content_type: str, extension: str) -> None:
    found = inspect(content)
    assert (found.kind, found.content_type, found.extension) == ("voice", content_type, extension)
    assert (found.width, found.height) == (None, None)
    assert found.duration_ms == pytest.approx(2000, abs=120)


def test_a_minute_and_no_more() -> None:
    two_seconds = make_voice(kind="amr", seconds=2)
    assert inspect(two_seconds + two_seconds[6:] * 29).duration_ms == pytest.approx(60_000, abs=900)
    assert refusal_of(two_seconds + two_seconds[6:] * 31) == "too_long"


@pytest.mark.parametrize("cut", [30, 200, 0.5, -300, -1])
@pytest.mark.parametrize(
    "content",
    [make_video(), make_voice(), make_voice(kind="aac"), make_voice(kind="amr")],
    ids=["mp4", "m4a", "aac", "amr"],
)
def test_what_ends_too_early_is_broken(content: bytes, cut: float) -> None:
    end = int(len(content) * cut) if 0 < cut < 1 else int(cut)
    assert refusal_of(content[:end]) == "broken_file"


def test_a_coding_that_we_do_not_take_is_no_recording(monkeypatch: Any) -> None:
    """Only listed decoders are ever opened: fewer doors into C code."""
    monkeypatch.setattr(decoding, "VIDEO_CODECS", frozenset({"hevc"}))
    with pytest.raises(decoding.Unusable, match="unsupported_media_type"):
        decoding.look(io.BytesIO(make_video()), "mp4")
    assert refusal_of(make_video().replace(b"avc1", b"vp09")) in {"unsupported_media_type", "broken_file"}


def test_what_some_phones_append_is_let_pass() -> None:
    assert inspect(make_video() + b"SEFH" + b"\x6b" * 60 + b"SEFT").kind == "video"
    assert refusal_of(make_video() + b"\0\0\x10\0free" + b"\0" * 20) == "broken_file"


@pytest.mark.parametrize(
    ("tags", "at", "place"),
    [
        ({"com.apple.quicktime.creationdate": "2026-11-23T14:30:05+0800"}, 6, None),
        ({"creation_time": "1970-01-01T00:00:00.000000Z"}, None, None),
        ({"creation_time": "gestern", "location": "nowhere"}, None, None),
        ({"location": "+00.0000+000.0000/"}, None, None),
        ({"location": "+95.0000+116.0000/"}, None, None),
        ({"com.apple.quicktime.location.ISO6709": "-33.5000-070.2600+520.1/"}, None, Place(-70.26, -33.5)),
    ],
)
def test_what_a_recording_says(tags: dict[str, str], at: int | None, place: Place | None) -> None:
    found = recordings._content({"kind": "voice", "duration_ms": 1, "codec": "aac", "tags": tags}, MP4).exif
    assert (found.taken_at and found.taken_at.astimezone(UTC).hour) == at
    assert found.place == place


@pytest.mark.parametrize(
    ("turned", "size", "corner"), [(0, (64, 48), "red"), (-90, (48, 64), "red"), (180, (64, 48), "blue")]
)
def test_the_still_stands_upright(turned: int, size: tuple[int, int], corner: str) -> None:
    """The left half of the picture is red: turned to the right by a quarter, red is on top."""
    with Image.open(io.BytesIO(recordings.still(io.BytesIO(make_video(turned=turned))))) as image:
        red, _, blue = image.getpixel((10, 5))  # type: ignore[misc]
        assert (image.size, "red" if red > blue else "blue") == (size, corner)
    assert inspect(make_video(turned=turned)).exif.orientation == {0: 1, -90: 6, 180: 3}[turned]


def test_amr_becomes_what_browsers_play() -> None:
    copy = recordings.playable(io.BytesIO(make_voice(kind="amr")), "amr")
    found = inspect(copy)
    assert found.content_type == "audio/mp4"
    assert found.duration_ms == pytest.approx(2000, abs=300)


def test_no_copy_of_what_is_broken() -> None:
    with pytest.raises(recordings.Unplayable):
        recordings.still(io.BytesIO(b"x" * 100))
    with pytest.raises(recordings.Unplayable):
        recordings.playable(io.BytesIO(b"#!AMR\n"), "amr")


@pytest.mark.parametrize("ends", ["exits badly", "hangs"])
def test_a_child_that_does_not_survive_costs_a_refusal(ends: str, monkeypatch: Any, tmp_path: Any) -> None:
    script = tmp_path / "child.py"
    script.write_text("import os; os.abort()" if ends == "exits badly" else "import time; time.sleep(30)")
    monkeypatch.setattr(recordings, "SCRIPT", script)
    monkeypatch.setattr(recordings, "WALL_SECONDS", 0.5 if ends == "hangs" else 30)
    assert refusal_of(make_video()) == "broken_file"


def test_a_child_may_not_take_all_memory(monkeypatch: Any, tmp_path: Any) -> None:
    """The limits are set before the file is opened."""
    script = tmp_path / "child.py"
    source = recordings.SCRIPT.read_text()
    script.write_text(source.replace("MEMORY_BYTES = 2 << 30", "MEMORY_BYTES = 64 << 20"))
    assert script.read_text() != source
    monkeypatch.setattr(recordings, "SCRIPT", script)
    assert refusal_of(make_video()) == "broken_file"


def test_one_limit_of_pixels() -> None:
    assert decoding.MAX_PIXELS == photos.MAX_PIXELS
