"""Opening videos and voice notes with FFmpeg's libraries: the part that runs in a process of its own.

A recording is a program for a decoder: a small file may ask for gigabytes, loop for hours or hit a fault
in C code. `recordings` therefore runs this module as a script, with the file as standard input, bounded in
memory and time; what it cannot survive costs one child and no request. It imports nothing of the house.

`look` writes one JSON object, `still` a JPEG, `playable` an M4A. Exit status 3 with the code of the refusal
on standard output: unusable; anything else but 0: it was stopped.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Iterator
from typing import IO, Any

import av

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 30
MAX_PIXELS = 50_000_000
MAX_VOICE_SECONDS = 61
"""60 by the rule; coders round up to whole frames and add some for their own running-in."""
MAX_VIDEO_SECONDS = 24 * 3600
STILL_PX = 2560
VIDEO_CODECS = frozenset({"h264", "hevc", "mpeg4"})
VOICE_CODECS = frozenset({"aac", "amrnb", "amrwb", "libopencore_amrnb", "amr_nb", "amr_wb"})
MOST_PACKETS_WITHOUT_A_PICTURE = 300
OPTIONS = {"codec_whitelist": ",".join(sorted(VIDEO_CODECS | VOICE_CODECS)), "max_pixels": str(MAX_PIXELS)}


class Unusable(Exception):
    """Not to be taken; its text is the code of the refusal."""


def opened(file: IO[bytes], demuxer: str) -> Any:
    """The container, its format named by us: FFmpeg is never left to guess, nor to follow addresses."""
    return av.open(file, "r", format=demuxer, options=OPTIONS, metadata_errors="replace")


def look(file: IO[bytes], demuxer: str) -> dict[str, Any]:
    """Kind, measures, duration and what the file says of itself, after decoding enough to believe it.

    Raises:
        Unusable: `unsupported_media_type`, `broken_file`, `too_many_pixels`, `too_long`.
    """
    try:
        with opened(file, demuxer) as container:
            pictures = _pictures(container)
            said = {"tags": {str(k): str(v) for k, v in container.metadata.items()}}
            if pictures:
                return _video(container, pictures[0]) | said
            if container.streams.audio:
                return _voice(container, container.streams.audio[0]) | said
    except (av.FFmpegError, OSError, MemoryError, ValueError, OverflowError, EOFError) as failure:
        raise Unusable("broken_file") from failure
    raise Unusable("unsupported_media_type")


def still(file: IO[bytes], demuxer: str) -> bytes:
    """The first picture of a video, upright, as a JPEG of at most 2560 px a side."""
    with opened(file, demuxer) as container:
        frame = _first_frame(container, _pictures(container)[0])
        image = frame.to_image()
        image.thumbnail((STILL_PX, STILL_PX))
        out = io.BytesIO()
        image.rotate(frame.rotation, expand=True).save(out, "JPEG", quality=92)
        return out.getvalue()


def playable(file: IO[bytes], demuxer: str) -> bytes:
    """A voice note as AAC in an M4A, which every browser plays (AMR none)."""
    out = io.BytesIO()
    with opened(file, demuxer) as container, av.open(out, "w", format="ipod") as copy:
        source = container.streams.audio[0]
        rate = source.codec_context.sample_rate
        target: Any = copy.add_stream("aac", rate=rate, layout="mono")
        target.bit_rate = 32_000
        even = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        for frame in container.decode(source):
            for part in even.resample(frame):
                copy.mux(target.encode(part))
        for part in even.resample(None):
            copy.mux(target.encode(part))
        copy.mux(target.encode(None))
    return out.getvalue()


def _pictures(container: Any) -> list[Any]:
    """Streams of pictures; the cover of a song is none."""
    cover = av.stream.Disposition.attached_pic
    return [stream for stream in container.streams.video if not stream.disposition & cover]


def _video(container: Any, stream: Any) -> dict[str, Any]:
    codec = stream.codec_context
    if codec is None or codec.codec.name not in VIDEO_CODECS:
        raise Unusable("unsupported_media_type")
    if codec.width * codec.height > MAX_PIXELS:
        raise Unusable("too_many_pixels")
    frame = _first_frame(container, stream)
    seconds = _length(container, stream)
    if not 0 <= seconds <= MAX_VIDEO_SECONDS:
        raise Unusable("broken_file")
    return {
        "kind": "video",
        "width": frame.width,
        "height": frame.height,
        "rotation": frame.rotation,
        "duration_ms": max(1, round(seconds * 1000)),
    }


def _length(container: Any, stream: Any) -> float:
    """Seconds from the first to the last picture; every packet is read, so none may be missing."""
    container.seek(0)
    start, end = None, 0.0
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise Unusable("broken_file")
        if packet.pts is not None:
            at = float(packet.pts * packet.time_base)
            start = at if start is None else min(start, at)
            end = max(end, at + float((packet.duration or 0) * packet.time_base))
    return end - (start or 0.0)


def _first_frame(container: Any, stream: Any) -> Any:
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    for number, packet in enumerate(container.demux(stream)):
        for frame in _decoded(packet):
            return frame
        if number > MOST_PACKETS_WITHOUT_A_PICTURE:
            break
    raise Unusable("broken_file")


def _decoded(packet: Any) -> Iterator[Any]:
    """Frames of a packet; one that cannot be decoded has none, the next may."""
    try:
        yield from packet.decode()
    except (av.InvalidDataError, av.PatchWelcomeError):
        return


def _voice(container: Any, stream: Any) -> dict[str, Any]:
    codec = stream.codec_context
    if codec is None or codec.codec.name not in VOICE_CODECS:
        raise Unusable("unsupported_media_type")
    codec.thread_count = 1
    seconds = 0.0
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise Unusable("broken_file")
        seconds += sum(frame.samples / frame.sample_rate for frame in packet.decode())
        if seconds > MAX_VOICE_SECONDS:
            raise Unusable("too_long")
    if not seconds:
        raise Unusable("broken_file")
    return {"kind": "voice", "duration_ms": max(1, round(seconds * 1000)), "codec": codec.codec.name}


def main(act: str, demuxer: str) -> int:
    """One act on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    av.logging.set_level(None)
    with open(0, "rb", buffering=0, closefd=False) as file:
        file.seek(0)
        try:
            if act == "look":
                found = json.dumps(look(file, demuxer)).encode()
            else:
                found = {"still": still, "playable": playable}[act](file, demuxer)
        except Unusable as refused:
            sys.stdout.write(str(refused))
            return 3
    sys.stdout.buffer.write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
