"""`manage.py seed_demo`: the small living demo (演示数据) into an empty database."""

from __future__ import annotations

import argparse
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from grids.demo import DEMO_PASSWORD
from suoshe import demo


class Command(BaseCommand):
    help = "Fill an empty database with invented people, shops and leads whose clocks are running."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--entities", type=int, default=demo.ENTITIES, help="how many businesses")
        parser.add_argument(
            "--force", action="count", default=0, help="say it twice to seed where DEBUG is off"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG and options["force"] < 2:
            raise CommandError("当前为正式环境（DEBUG 关闭），不装入演示数据。确需装入请写两次 --force。")
        password = os.environ.get("SUOSHE_DEMO_PASSWORD") or DEMO_PASSWORD
        try:
            made = demo.build(entities=options["entities"], password=password)
        except demo.NotEmpty:
            raise CommandError("数据库中已有业务数据，不装入演示数据。") from None
        counts = "，".join(f"{name} {count}" for name, count in made.items())
        self.stdout.write(f"演示数据已装入：{counts}。演示账号密码：{password}")
