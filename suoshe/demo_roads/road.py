"""A lead of the demo that leaves the main road, step by step (演示数据)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from leads import (
    lifecycle,
    look_backs,
    rechecks,
)
from leads.intake import Told
from leads.lifecycle import Outcome
from leads.models import (
    DisposalKind,
    LookBack,
)
from suoshe import demo_pictures
from suoshe.demo_leads import One, anyway

if TYPE_CHECKING:
    pass

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LANDLINE = "0538-0000000"
"""Nobody's: it takes no SMS, so that the demo writes to nobody."""


def uid(name: str) -> uuid.UUID:
    """The same number every time."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"suoshe-demo-{name}")


def citizen(who: str) -> Told:
    return Told(f"演示群众{who}", LANDLINE)


class Road(One):
    """A lead that leaves the main road; minutes count from its report."""

    def by_owner(self, minutes: int, act: Callable[..., Any], **said: Any) -> Self:
        """A service that takes `lead_id`, `by` and `expect`, called by whoever owns the lead then."""
        return self._at(minutes, lambda: act(lead_id=self.lead_id, by=self.owner(), expect=anyway, **said))

    def by_person(self, minutes: int, who: str, act: Callable[..., Any], **said: Any) -> Self:
        """The same, called by an account."""
        return self._at(
            minutes, lambda: act(lead_id=self.lead_id, by=self.world.user(who), expect=anyway, **said)
        )

    def later(self, minutes: int, act: Callable[[], Any]) -> Self:
        return self._at(minutes, act)

    def approve(self, minutes: int, kind: str, who: str, *, note: str = "") -> Self:
        def act() -> None:
            row = Approval.objects.of("lead", self.lead_id).waiting().get(kind=kind)
            approvals.decide(
                approval_id=row.pk, by=self.world.user(who), approve=True, expect=anyway, note=note
            )

        return self._at(minutes, act)

    def result(self, minutes: int, outcome: Callable[[], Outcome], *, photo: bool = False) -> Self:
        """A feedback of any kind; the outcome is made at its moment."""

        def act() -> None:
            owner = self.owner()
            files = (self.picture(owner, clock.now()),) if photo else ()
            lifecycle.feed_back(
                lead_id=self.lead_id, by=owner, expect=anyway, outcome=outcome(), evidence=files
            )

        return self._at(minutes, act)

    def picture(self, by: User, at: datetime) -> int:
        number: int = demo_pictures.upload(self.note_no + 500, self.story[0][0], by=by, at=at).pk
        return number

    def put_right(self, minutes: int, *, passed_after: int) -> Self:
        """责令改正, verified at once; rechecked and countersigned (销号) so many minutes after the report."""
        self.result(
            minutes,
            lambda: Outcome(DisposalKind.RECTIFY, self.story[2], clock.now() + DAY),
        ).verify(minutes + 30)
        self.by_person(
            passed_after - 60, self.worker_name(), rechecks.correct, note="店家已完成整改，现场照片已留存"
        )
        self.by_owner(passed_after - 30, rechecks.recheck, passed=True, note="已复查，整改到位")
        return self.by_person(passed_after, self.worker_name(), rechecks.countersign)

    def worker_name(self) -> str:
        """The same grid worker who verified it."""
        return f"worker-{self.number:02d}-{1 + (self.note_no + 1) % 3}"

    def office(self, kind: str) -> str:
        """The name of an account of the lead's office, e.g. `office-02`."""
        return f"{kind}-{self.world.offices.index(self.world.office_of(self.number)) + 1:02d}"

    def look_back(self, minutes: int, *, passed: bool, note: str) -> Self:
        def act() -> None:
            row = LookBack.objects.filter(lead_id=self.lead_id, number=1).latest("round")
            look_backs.complete(look_back_id=row.pk, by=self.owner(), expect=anyway, passed=passed, note=note)

        return self._at(minutes, act)
