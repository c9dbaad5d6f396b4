"""The in-app inbox: reading one's own notices."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from kernel.errors import NotVisible
from kernel.notices.models import OutboxMessage

if TYPE_CHECKING:
    from kernel.accounts.models import User


def mark_read(*, notice_id: int, by: User, at: datetime) -> OutboxMessage:
    """Note that its recipient has opened a notice; opening it again keeps the first moment.

    Raises:
        NotVisible: it does not exist or is somebody else's.
    """
    own = OutboxMessage.objects.visible_to(by).filter(pk=notice_id)
    own.filter(read_at__isnull=True).update(read_at=at)
    notice = own.first()
    if notice is None:
        raise NotVisible("没有找到这条通知。")
    return notice
