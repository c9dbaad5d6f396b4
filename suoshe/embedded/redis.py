"""The embedded Redis: started, stopped."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

from .homes import EmbeddedError, redis_binary, socket_dir
from .owners import make_folder
from .processes import START_WITHIN_S, end, is_ours, last_line, pid_in


def _redis_answers(sock: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(2)
            client.connect(str(sock))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def redis_command(sock: Path, folder: Path) -> list[str]:
    """The command of a Redis that keeps what it is told, drops nothing and has no TCP port."""
    return [
        redis_binary(), "--port", "0", "--unixsocket", str(sock), "--unixsocketperm", "700",
        "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction", "--databases", "256", "--pidfile", str(folder / "redis.pid"),
        "--logfile", str(folder / "server.log"),
    ]  # fmt: skip


def redis_pid(at: Path) -> int | None:
    """The pid of the running Redis of this home, or None."""
    pid = pid_in(at / "redis" / "redis.pid")
    return pid if pid is not None and is_ours(pid, "redis-server", socket_dir(at)) else None


def start_redis(at: Path) -> None:
    """Start Redis where it does not answer."""
    folder, sock = at / "redis", socket_dir(at) / "redis.sock"
    make_folder(folder, to_owner=False)
    make_folder(sock.parent, to_owner=False)
    if redis_pid(at) is not None and _redis_answers(sock):
        return
    stop_redis(at)
    child = subprocess.Popen(
        redis_command(sock, folder), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True, umask=0o077,
    )  # fmt: skip
    until = time.monotonic() + START_WITHIN_S
    while not _redis_answers(sock):
        if time.monotonic() > until or child.poll() is not None:
            child.kill()
            raise EmbeddedError(f"Redis did not start in {folder}: {last_line(folder / 'server.log')}")
        time.sleep(0.02)
    child.returncode = 0  # it outlives us: the last user or the keeper ends it


def stop_redis(at: Path) -> None:
    """Stop Redis; its append-only file is written out first."""
    pid = redis_pid(at)
    if pid is not None:
        end(pid, signal.SIGTERM, within_s=20)
    for left in (socket_dir(at) / "redis.sock", at / "redis" / "redis.pid"):
        left.unlink(missing_ok=True)
