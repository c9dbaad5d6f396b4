"""The keeper (`suoshe.embedded.sharing`): `python -P suoshe/embedded keep <home>`.

The folder is run, so the package is found as `embedded`, without what `suoshe` loads.
"""

from __future__ import annotations

import importlib
import signal
import sys
from pathlib import Path

if __name__ == "__main__" and sys.argv[1:2] == ["keep"]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    importlib.import_module("embedded.sharing").keep(Path(sys.argv[2]))
