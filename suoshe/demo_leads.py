"""One lead of the demo and the acts of its life, each at its minute (演示数据)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from kernel import clock
from kernel.accounts.models import User
from leads import dispatch, intake, lifecycle, supervision
from leads.intake import Report, Told
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Instruction, Lead, Method, Plan, SupervisionOrder
from suoshe import demo_pictures

if TYPE_CHECKING:
    from grids.demo import World
    from suoshe.demo import Play

Story = tuple[str, str, str]
"""Category, what was seen, what was done."""
CITIZEN = Told("演示群众", "13800000000")


def anyway(version: int) -> None:
    """The demo's people always read before they sign."""


def owner_of(world: World, lead_id: int) -> User:
    """Who owns a lead, as an account whose rights are looked at anew."""
    owner_id = Lead.objects.values_list("assignee_id", flat=True).get(pk=lead_id)
    return world.user(next(name for name, user in world.users.items() if user.pk == owner_id))


class One:
    """One lead of the demo and what becomes of it; minutes count from its report."""

    def __init__(
        self,
        play: Play,
        number: int,
        story: Story,
        start: datetime,
        *,
        photo: bool = False,
        told: Told | None = None,
        outside: bool = False,
        fixed: bool = False,
        note_no: int,
        shop_no: int | None = None,
    ) -> None:
        self.play, self.world, self.number, self.story, self.start = play, play.world, number, story, start
        self.photo, self.told, self.outside, self.fixed, self.note_no = photo, told, outside, fixed, note_no
        self.shop_no = note_no if shop_no is None else shop_no
        self.lead_id = 0
        play.at(start, self._report)

    def _at(self, minutes: int, act: Callable[[], Any]) -> Self:
        """One more act, so many minutes after the report."""
        self.play.at(self.start + timedelta(minutes=minutes), act)
        return self

    def _reporter(self) -> User:
        if self.told is not None:
            return self.world.clerk_of(self.number)
        return self.world.worker(self.number or 1, 1 + self.note_no % 3)

    def owner(self) -> User:
        """Who owns it at this moment."""
        return owner_of(self.world, self.lead_id)

    def _report(self) -> None:
        code, words, _ = self.story
        by = self._reporter()
        lon, lat = (116.64, 36.10) if self.outside else self.world.point_in(self.number)
        shop = None if self.outside else self.play.shop(self.number, self.shop_no)
        if shop is not None and shop.lon is not None and shop.lat is not None:
            lon, lat = float(shop.lon), float(shop.lat)
        files = (demo_pictures.upload(self.note_no, code[0], by=by, at=self.start).pk,) if self.photo else ()
        made = intake.report(
            by=by,
            report=Report(
                client_uid=uuid.uuid5(uuid.NAMESPACE_URL, f"suoshe-demo-lead-{self.note_no}"),
                category=code,
                description=words,
                lon=Decimal(f"{lon:.6f}"),
                lat=Decimal(f"{lat:.6f}"),
                accuracy_m=10,
                crs_in="wgs84",
                entity_id=shop.pk if shop else None,
                captured_at=self.start,
                evidence=files,
                told=self.told,
                fixed_on_spot=self.fixed,
            ),
        )
        self.lead_id = made.lead.pk

    def respond(self, minutes: int) -> Self:
        plan = (Plan.ON_MY_WAY, Plan.APPOINTMENT, Plan.BY_PHONE)[self.note_no % 3]
        return self._at(
            minutes,
            lambda: lifecycle.respond(lead_id=self.lead_id, by=self.owner(), expect=anyway, plan=plan),
        )

    def control(self, minutes: int) -> Self:
        note = self.story[2] or "已现场控制"
        return self._at(
            minutes,
            lambda: lifecycle.control(lead_id=self.lead_id, by=self.owner(), expect=anyway, note=note),
        )

    def feed_back(self, minutes: int, *, rectify: bool = False) -> Self:
        kind = DisposalKind.RECTIFY if rectify else DisposalKind.GUIDED

        def act() -> None:
            due = clock.now() + timedelta(days=7) if rectify else None
            outcome = Outcome(kind, self.story[2], due)
            lifecycle.feed_back(lead_id=self.lead_id, by=self.owner(), expect=anyway, outcome=outcome)

        return self._at(minutes, act)

    def verify(self, minutes: int) -> Self:
        by = self.world.worker(self.number, 1 + (self.note_no + 1) % 3)
        return self._at(
            minutes,
            lambda: lifecycle.verify(
                lead_id=self.lead_id, by=by, expect=anyway, method=Method.ON_SITE, note="已到店查看"
            ),
        )

    def rework(self, minutes: int) -> Self:
        by = self.world.worker(self.number)
        reason = "停梯公告尚未张贴，请补充后再反馈"
        return self._at(
            minutes, lambda: lifecycle.rework(lead_id=self.lead_id, by=by, expect=anyway, reason=reason)
        )

    def confirm(self, minutes: int) -> Self:
        by = self.world.worker(self.number)
        return self._at(
            minutes, lambda: lifecycle.confirm_handover(lead_id=self.lead_id, by=by, expect=anyway)
        )

    def dispatch_to(self, minutes: int, number: int) -> Self:
        """Sent by hand to the commissioner of another grid of the same office, where there is one."""
        same_office = self.world.office_of(number) == self.world.office_of(self.number)
        other = self.world.commissioner(number) if same_office else self.world.head_of(self.number)
        by = self.world.clerk_of(self.number)
        return self._at(
            minutes,
            lambda: dispatch.dispatch(
                lead_id=self.lead_id,
                by=by,
                expect=anyway,
                assignee_id=other.pk,
                reason="原承办人正在处置其他线索",
            ),
        )

    def acknowledge(self, minutes: int, who: str, instruction: Instruction) -> Self:
        by = self.world.head_of(self.number) if who == "head" else self.world.community_head_of(self.number)

        def act() -> None:
            order = SupervisionOrder.objects.filter(lead_id=self.lead_id).order_by("id").first()
            if order is not None:
                supervision.acknowledge(order_id=order.pk, by=by, expect=anyway, instruction=instruction)

        return self._at(minutes, act)
