"""`manage.py reseal_identities`: seal anew under the newest key what rests sealed (docs/operations.md)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel.notices import resealing
from kernel.offline import queue
from leads import platforms, reporters
from stations import agreements, consumers


class Command(BaseCommand):
    help = (
        "用最新的密钥重新加密反映人和消费者信息、调解协议和签名、待发短信号码、等待中的离线操作以及机器人和外部平台的密钥"
        "（SUOSHE_IDENTITY_KEY 的第一个），可重复执行"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        counts = [
            reporters.KEEPING.reseal(),
            resealing.reseal(),
            queue.reseal(),
            platforms.reseal(),
            consumers.KEEPING.reseal(),
            agreements.reseal(),
        ]
        done, broken = sum(one for one, _ in counts), sum(one for _, one in counts)
        self.stdout.write(f"已重新加密 {done} 条。")
        if broken:
            raise CommandError(f"{broken} 条无法用现有密钥解密，请勿移除旧密钥。")
