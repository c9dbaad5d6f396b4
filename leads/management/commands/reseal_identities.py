"""`manage.py reseal_identities`: seal reporters anew under the newest key (docs/operations.md)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leads import reporters


class Command(BaseCommand):
    help = "用最新的密钥重新加密反映人信息（SUOSHE_IDENTITY_KEY 的第一个），可重复执行"

    def handle(self, *args: Any, **options: Any) -> None:
        done, broken = reporters.reseal()
        self.stdout.write(f"已重新加密 {done} 条。")
        if broken:
            raise CommandError(f"{broken} 条无法用现有密钥解密，请勿移除旧密钥。")
