"""How a sending may fail."""

from __future__ import annotations

from datetime import timedelta


class SendFailure(Exception):
    """A message was not taken by the other side, as far as we know.

    Attributes:
        reason: for an administrator; names no key and no secret.
        permanent: sending the same again cannot help.
        maybe_sent: it may have arrived (the answer was lost), so a repeat has to say so.
        slow_down: the other side says that we send too much; it takes nothing for `wait`.
        only_this: it is about this message alone (a number that takes nothing): the next may go.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        maybe_sent: bool = False,
        slow_down: bool = False,
        only_this: bool = False,
        wait: timedelta = timedelta(),
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.maybe_sent = maybe_sent
        self.slow_down = slow_down
        self.only_this = only_this
        self.wait = wait
