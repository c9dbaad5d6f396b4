"""The first table of an .xlsx as text, read by a process of its own.

A sheet of five kilobytes may claim a cell at its far end; the reading library then asks for the memory of
everything between, and its process is gone. So what strangers upload is read by a child with bounded memory
and time, which may die without harm. The child is this very file run as a script: bytes come on its
standard input, rows go to its standard output as JSON. It imports nothing of ours.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from datetime import date, datetime, time
from typing import Any

from python_calamine import load_workbook

MOST_MEMORY = 3_000_000_000
"""Bytes of address space: 200,000 rows of 30 columns need about a half."""
MOST_S = 120
LONGEST_CELL = 2_000
_CONTROLS = dict.fromkeys((*range(32), 127), " ")


class Unreadable(Exception):
    """Broken, encrypted, or larger than can be read."""


def text(cell: Any) -> str:
    """A cell as one line of text: whole numbers without a fraction, days as 2026-01-31."""
    if isinstance(cell, str):
        return " ".join(cell.translate(_CONTROLS).encode("utf-8", "ignore").decode()[:LONGEST_CELL].split())
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e18 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def rows(content: bytes, most: int) -> list[list[str]]:
    """The first `most` rows of the first sheet, counted from its very first row.

    Raises:
        Unreadable: the child could not read it, or not within its bounds.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", __file__, str(most)],
            input=content, capture_output=True, timeout=MOST_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise Unreadable("time is up") from late
    if done.returncode != 0:
        raise Unreadable(done.stderr[-500:].decode("utf-8", "replace"))
    found: list[list[str]] = json.loads(done.stdout)
    return found


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_S, MOST_S))
    book = load_workbook(io.BytesIO(sys.stdin.buffer.read()))
    table = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    told = [[text(cell) for cell in line] for line in table[: int(sys.argv[1])]]
    sys.stdout.buffer.write(json.dumps(told, ensure_ascii=False).encode())


if __name__ == "__main__":
    _main()
