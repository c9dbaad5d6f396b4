#!/usr/bin/env python
"""Command line of the project. In the embedded mode the database is started where it is not up."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "suoshe.settings.local")
    from django.core.management import execute_from_command_line

    from suoshe import embedded

    try:
        with embedded.for_command(sys.argv):
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as refused:
        sys.exit(str(refused))


if __name__ == "__main__":
    main()
