"""Parts of files: which bytes are asked for, that each is checked, and what HEAD and 304 answer."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from kernel.evidence import files
from kernel.evidence.api import ranges
from kernel.evidence.api.ranges import Part, Unsatisfiable
from kernel.evidence.models import Evidence
from kernel.journal.models import Entry
from tests.factories.accounts import bearer, make_user
from tests.factories.photos import make_photo, upload
from tests.factories.recordings import make_video, make_voice

URL = "/api/v1/evidence/"
TAG = '"abc"'


# -- what a request asks for


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", Part(0, 0)),
        ("bytes=0-", Part(0, 99)),
        ("bytes=10-19", Part(10, 19)),
        ("Bytes = 10 - 19 ", Part(10, 19)),
        ("bytes=90-1000", Part(90, 99)),
        ("bytes=99-", Part(99, 99)),
        ("bytes=-1", Part(99, 99)),
        ("bytes=-1000", Part(0, 99)),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=--1", None),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_ranges(header: str | None, part: Part | None) -> None:
    assert ranges.asked(header, None, TAG, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=999999999999-", "bytes=-0"])
def test_behind_the_end(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        ranges.asked(header, None, TAG, 100)


@pytest.mark.parametrize(
    ("if_range", "counts"),
    [(TAG, True), ('"other"', False), (f"W/{TAG}", False), ("Mon, 23 Nov 2026 06:30:05 GMT", False)],
)
def test_a_range_of_another_file_is_the_whole_file(if_range: str, counts: bool) -> None:
    assert ranges.asked("bytes=0-0", if_range, TAG, 100) == (Part(0, 0) if counts else None)
    assert ranges.asked("bytes=200-", '"other"', TAG, 100) is None


@pytest.mark.parametrize(
    ("header", "same"),
    [(None, False), (TAG, True), (f'"x", W/{TAG}', True), ("*", True), ('"x"', False), ("abc", False)],
)
def test_unchanged(header: str | None, same: bool) -> None:
    assert ranges.unchanged(header, TAG) is same


@given(st.text(max_size=40), st.text(max_size=10), st.integers(1, 10**9))
def test_no_header_breaks_it(header: str, if_range: str, size: int) -> None:
    for value in (header, f"bytes={header}"):
        try:
            part = ranges.asked(value, if_range, f'"{if_range}"', size)
        except Unsatisfiable:
            continue
        assert part is None or 0 <= part.first <= part.last < size


# -- over HTTP


@pytest.fixture
def me() -> Any:
    return make_user()


@pytest.fixture
def headers(me: Any) -> dict[str, str]:
    return bearer(me)


def receive(client: Client, content: bytes, headers: dict[str, str]) -> Evidence:
    answer = client.post(URL, upload(content), headers=headers)
    assert answer.status_code == 201, answer.content
    return Evidence.objects.get(pk=answer.json()["id"])


@pytest.fixture
def long() -> bytes:
    """A video of three blocks, the last one short."""
    content = make_video(size=(160, 120), pictures=70, noise=True)
    assert 2 * files.CHUNK < len(content) < 3 * files.CHUNK
    return content


@pytest.fixture
def video(client: Client, headers: dict[str, str], long: bytes) -> Evidence:
    return receive(client, long, headers)


def get(
    client: Client, evidence: Evidence, headers: dict[str, str], view: str = "original", **more: str
) -> Any:
    return client.get(f"{URL}{evidence.pk}/{view}", headers=headers | more)


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "last"),
    [
        (0, 0),
        (0, 99),
        (files.CHUNK - 1, files.CHUNK),
        (10, 2 * files.CHUNK + 5),
        (files.CHUNK, None),
        (0, None),
    ],
)
def test_a_part_of_an_original(
    client: Client, headers: dict[str, str], video: Evidence, long: bytes, first: int, last: int | None
) -> None:
    answer = get(client, video, headers, Range=f"bytes={first}-{'' if last is None else last}")
    end = len(long) - 1 if last is None else last
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {first}-{end}/{len(long)}"
    assert int(answer["Content-Length"]) == end - first + 1
    assert answer["Content-Type"] == "video/mp4"
    assert body_of(answer) == long[first : end + 1]


@pytest.mark.django_db
def test_a_broken_off_download_is_resumed(
    client: Client, headers: dict[str, str], video: Evidence, long: bytes
) -> None:
    whole = get(client, video, headers, **{"Accept-Encoding": "gzip"})
    assert (whole.status_code, whole["Accept-Ranges"], whole["ETag"]) == (200, "bytes", f'"{video.sha256}"')
    assert "Content-Encoding" not in whole
    had = body_of(whole)[:1_500_000]
    rest = get(
        client, video, headers, Range="bytes=1500000-",
        **{"If-Range": whole["ETag"], "Accept-Encoding": "gzip, br"},
    )  # fmt: skip
    assert rest.status_code == 206
    assert hashlib.sha256(had + body_of(rest)).hexdigest() == video.sha256
    other = get(client, video, headers, Range="bytes=1500000-", **{"If-Range": '"another"'})
    assert other.status_code == 200
    assert body_of(other) == long


@pytest.mark.django_db
def test_416_says_how_long_it_is(
    client: Client, headers: dict[str, str], video: Evidence, long: bytes
) -> None:
    answer = get(client, video, headers, Range=f"bytes={len(long)}-")
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(long)}")
    assert answer.json()["errors"][0]["code"] == "range_not_satisfiable"


@pytest.mark.django_db
def test_head_says_the_same_and_reads_nothing(
    client: Client, headers: dict[str, str], video: Evidence, long: bytes, monkeypatch: Any
) -> None:
    monkeypatch.setattr(default_storage._wrapped, "open", lambda *_: pytest.fail("was read"))
    answer: Any = client.head(f"{URL}{video.pk}/original", headers=headers | {"Range": "bytes=0-5"})
    assert (answer.status_code, answer["ETag"], answer["Accept-Ranges"]) == (
        200,
        f'"{video.sha256}"',
        "bytes",
    )
    assert int(answer["Content-Length"]) == len(long)
    assert answer.content == b""
    assert client.head(f"{URL}{video.pk}/original").status_code == 401
    assert client.head(f"{URL}{video.pk}/original", headers=bearer(make_user())).status_code == 404


@pytest.mark.django_db
def test_what_the_phone_has_is_not_sent_again(
    client: Client, headers: dict[str, str], video: Evidence, monkeypatch: Any
) -> None:
    for view in ("original", "thumbnail"):
        first = get(client, video, headers, view)
        body_of(first)
        again = get(client, video, headers, view, **{"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    outsider = get(client, video, bearer(make_user()), **{"If-None-Match": f'"{video.sha256}"'})
    assert outsider.status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("view", ["thumbnail", "playback"])
def test_parts_of_copies(client: Client, headers: dict[str, str], video: Evidence, view: str) -> None:
    whole = get(client, video, headers, view)
    part = get(client, video, headers, view, Range="bytes=3-9")
    assert part.status_code == 206
    assert body_of(part) == body_of(whole)[3:10]


# -- checked on read


def harm(evidence: Evidence, place: int) -> None:
    path = Path(default_storage.path(evidence.file.name or ""))
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)


@pytest.mark.django_db
def test_no_altered_block_is_ever_sent(
    client: Client, headers: dict[str, str], video: Evidence, long: bytes
) -> None:
    harm(video, files.CHUNK + 7)
    sound = get(client, video, headers, Range=f"bytes=0-{files.CHUNK - 1}")
    assert body_of(sound) == long[: files.CHUNK]
    answer = get(client, video, headers, Range=f"bytes={files.CHUNK}-")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "evidence_altered")
    assert get(client, video, headers).status_code == 409
    assert Entry.objects.filter(stream=f"evidence:{video.pk}", kind="evidence.altered").count() == 1


@pytest.mark.django_db
def test_an_answer_stops_short_where_a_later_block_is_altered(
    client: Client, headers: dict[str, str], video: Evidence, long: bytes
) -> None:
    harm(video, files.CHUNK + 7)
    answer = get(client, video, headers, Range="bytes=0-")
    assert (answer.status_code, int(answer["Content-Length"])) == (206, len(long))
    sent, blocks = [], iter(answer.streaming_content)
    with pytest.raises(Exception, match="校验不一致"):
        sent.extend(blocks)
    assert b"".join(sent) in (b"", long[: files.CHUNK])
    assert Entry.objects.filter(stream=f"evidence:{video.pk}", kind="evidence.altered").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["gone", "cut", "grown"])
def test_a_file_of_another_length_is_altered(
    client: Client, headers: dict[str, str], video: Evidence, long: bytes, how: str
) -> None:
    path = Path(default_storage.path(video.file.name or ""))
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(long[:-5] if how == "cut" else long + b"more")
    assert get(client, video, headers, Range=f"bytes={2 * files.CHUNK}-").status_code == 409


@pytest.mark.django_db
def test_a_part_reads_no_more_than_its_blocks(
    client: Client, headers: dict[str, str], video: Evidence, monkeypatch: Any
) -> None:
    """The reason for digests of blocks: a jump in a film of 100 MB does not read 100 MB (ADR 0008)."""
    read: list[int] = []
    real = files._block
    monkeypatch.setattr(files, "_block", lambda stored: [b := real(stored), read.append(len(b))][0])
    body_of(get(client, video, headers, Range=f"bytes={files.CHUNK + 5}-{files.CHUNK + 9}"))
    assert read == [files.CHUNK]


@pytest.mark.django_db
def test_a_file_from_before_is_counted_once_while_it_is_whole(
    client: Client, headers: dict[str, str], video: Evidence, long: bytes
) -> None:
    before = bytes(video.block_digests)
    assert len(before) == 3 * 32
    Evidence.objects.update(block_digests=b"")
    assert body_of(get(client, video, headers, Range="bytes=5-8")) == long[5:9]
    video.refresh_from_db()
    assert bytes(video.block_digests) == before
    Evidence.objects.update(block_digests=b"")
    harm(video, 5)
    assert get(client, video, headers, Range=f"bytes={2 * files.CHUNK}-").status_code == 409
    video.refresh_from_db()
    assert bytes(video.block_digests) == b""


@bounded(max_examples=60)
@given(size=st.integers(1, 40), first=st.integers(0, 39), length=st.integers(1, 40))
def test_blocks_cut_right(size: int, first: int, length: int) -> None:
    """With blocks of eight bytes, every cut of a small file."""
    content = bytes(range(size))
    first, last = min(first, size - 1), min(first + length, size) - 1
    last = max(first, last)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHUNK", 8)
        opened = io.BytesIO(content)
        patch.setattr(default_storage, "open", lambda *_: opened, raising=False)
        blocks = files.fingerprint(io.BytesIO(content)).blocks
        checked = files.Checked("x", blocks, first, last)
        assert b"".join(checked) == content[first : last + 1]
        assert opened.closed


# -- kinds


@pytest.mark.django_db
def test_what_each_kind_answers(client: Client, headers: dict[str, str]) -> None:
    def codes(evidence: Evidence) -> dict[str, Any]:
        found = {}
        for view in ("original", "thumbnail", "watermarked", "playback"):
            answer = get(client, evidence, headers, view)
            found[view] = (
                answer["Content-Type"] if answer.status_code == 200 else answer.json()["errors"][0]["code"]
            )
            if answer.status_code == 200:
                body_of(answer)
        return found

    assert codes(receive(client, make_photo(), headers)) == {
        "original": "image/jpeg", "thumbnail": "image/jpeg",
        "watermarked": "not_attached", "playback": "nothing_to_play",
    }  # fmt: skip
    assert codes(receive(client, make_video(), headers)) == {
        "original": "video/mp4", "thumbnail": "image/jpeg",
        "watermarked": "not_attached", "playback": "video/mp4",
    }  # fmt: skip
    assert codes(receive(client, make_voice(), headers)) == {
        "original": "audio/mp4", "thumbnail": "no_picture",
        "watermarked": "no_picture", "playback": "audio/mp4",
    }  # fmt: skip
    amr = receive(client, make_voice(kind="amr"), headers)
    assert (amr.kind, amr.flags) == ("voice", [])
    assert codes(amr) == {
        "original": "audio/amr", "thumbnail": "no_picture",
        "watermarked": "no_picture", "playback": "audio/mp4",
    }  # fmt: skip
    amr.refresh_from_db()
    assert default_storage.exists(amr.playback.name or "")


@pytest.mark.django_db
def test_a_copy_that_is_gone_is_made_again(client: Client, headers: dict[str, str]) -> None:
    photo, amr = receive(client, make_photo(), headers), receive(client, make_voice(kind="amr"), headers)
    for evidence, view in ((photo, "thumbnail"), (amr, "playback")):
        before = body_of(get(client, evidence, headers, view))
        evidence.refresh_from_db()
        default_storage.delete(getattr(evidence, view).name)
        assert len(body_of(get(client, evidence, headers, view))) == len(before)
