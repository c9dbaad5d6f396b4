"""Who speaks for the community on a lead: a grid worker, or the lead community's head in his stead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grids.models import Absence
from grids.roles import Role
from grids.staffing import RoutingFacts
from kernel.accounts.models import User
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.policy import WorkingCalendar
from kernel.errors import NotAllowed
from leads.acts import Act
from leads.models import Lead, Recusal


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who verifies, and whether in the grid workers' stead (代核验)."""

    on_behalf_of_id: int | None
    in_stead: bool


def verifier(act: Act) -> Verifier:
    """Who may verify: a grid worker of the grid; the lead community's head from 48 h after feedback,
    or at once where no grid worker of the grid is on duty (DESIGN.md §3). A tip-off is verified by a second
    officer of the office.

    Raises:
        NotAllowed: `not_verifier`, `not_second_officer`, `recused`, or `too_early` for the community head.
    """
    if act.lead.restricted:
        from leads import tip_offs

        return tip_offs.second_officer(act)
    opens_at = None
    stead = next((d for d in act.live if (d.kind, d.cycle) == ("verify_stead", act.lead.round)), None)
    if stead is not None:
        opens_at = stead.due_at  # it stood still while leniency was decided
    elif act.lead.fed_back_at is not None:
        opens_at = arithmetic.due(act.limits["verify_stead"], act.lead.fed_back_at, WorkingCalendar())
    return worker_or_head(act, opens_at, "反馈满48小时后，社区书记方可代为核验。")


def worker_or_head(act: Act, head_from: datetime | None, too_early: str) -> Verifier:
    """A grid worker of the grid; the lead community's head from `head_from` on (None: at once), or at
    once where nobody is there. Raises NotAllowed `not_verifier`, `recused`, `too_early`."""
    act.refuse_recused()
    seat = act.as_worker()
    if seat is not None:
        return Verifier(None if seat.holder_id == act.by_id else seat.holder_id, in_stead=False)
    people = act.people
    head = (
        None if people is None else act.scope.seat(Role.COMMUNITY_HEAD, community_id=people.lead_community_id)
    )
    if head is None or people is None:
        raise NotAllowed("只有本网格的网格员可以核验。", code="not_verifier")
    if head_from is not None and act.at < head_from and anybody_there(act.lead, people, act.at):
        raise NotAllowed(too_early, code="too_early")
    return Verifier(None if head.holder_id == act.by_id else head.holder_id, in_stead=True)


def anybody_there(lead: Lead, people: RoutingFacts, at: datetime) -> bool:
    """Is a grid worker of the grid on duty, or somebody who stands in for one and is not away himself?
    Who has recused himself from this lead is not there for it."""
    recused = set(Recusal.objects.filter(lead=lead).values_list("person_id", flat=True))
    if set(people.worker_ids_present) - recused:
        return True
    stand_ins = User.objects.filter(pk__in=set(people.worker_stand_in_ids) - recused, is_active=True)
    return stand_ins.exclude(pk__in=Absence.objects.running(at).values("user_id")).exists()
