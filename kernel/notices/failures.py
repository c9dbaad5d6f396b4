"""How a sending may fail."""

from __future__ import annotations


class SendFailure(Exception):
    """A message was not taken by the other side, as far as we know.

    Attributes:
        permanent: sending the same again cannot help.
        maybe_sent: it may have arrived (the answer was lost), so a repeat has to say so.
        slow_down: the other side says that we send too much.
    """

    def __init__(
        self, reason: str, *, permanent: bool = False, maybe_sent: bool = False, slow_down: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.maybe_sent = maybe_sent
        self.slow_down = slow_down
