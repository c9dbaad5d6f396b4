"""Become a program that the kernel ends when its parent dies, even by kill −9.

Run as a script (`python launch.py program arguments…`) by `manage.py up` and the suite: it asks for
SIGTERM at the death of its parent (prctl PR_SET_PDEATHSIG, kept across exec), then becomes the program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Ask for SIGTERM when the parent dies; end at once where it already has."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    end_with_parent(int(os.environ.pop("SUOSHE_PARENT", str(os.getppid()))))
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606
