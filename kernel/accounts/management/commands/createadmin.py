"""`manage.py createadmin NAME`: the first system administrator of an installation.

The password comes from `SUOSHE_ADMIN_PASSWORD` or is asked for twice; it never stands on the command
line. The second factor is bound at the first sign-in to the admin.
"""

from __future__ import annotations

import argparse
import getpass
import os
from typing import Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from kernel import clock
from kernel.accounts import rights
from kernel.accounts.models import User
from kernel.accounts.sign_in import lock_user, note
from kernel.errors import DomainError


class Command(BaseCommand):
    help = "Create a system administrator; the password is read from SUOSHE_ADMIN_PASSWORD or the terminal."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="系统管理员", help="the person's name (姓名)")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User(
            username=User.normalize_username(options["username"]), name=options["name"], is_staff=True
        )
        password = os.environ.get("SUOSHE_ADMIN_PASSWORD") or self._asked()
        try:
            password_validation.validate_password(password, user)
            user.set_password(password)
            user.full_clean()
            with transaction.atomic():
                at = clock.now()
                user.save()
                rights.make_administrator(user, at)
                note(lock_user(user.pk), "account_created", by=None, at=at, fields=["username", "name"])
        except ValidationError as refused:
            raise CommandError("".join(refused.messages)) from refused
        except DomainError as refused:
            raise CommandError(refused.detail) from refused
        self.stdout.write(f"已创建系统管理员 {user.username}。首次登录管理后台时须绑定二次验证。")

    def _asked(self) -> str:
        first = getpass.getpass("密码：")
        if first != getpass.getpass("再输入一次："):
            raise CommandError("两次输入的密码不一致。")
        return first
