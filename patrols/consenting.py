"""The bureau consents to a plan that passes the limits of the policy (DESIGN.md §8)."""

from __future__ import annotations

from django.db import transaction

from grids.access import scope_of
from grids.roles import Role
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, NotVisible
from patrols.models import PlanRun


@transaction.atomic
def consent(*, run_id: int, by: User) -> PlanRun:
    """Agree to the workload of this plan, and to as much for the rest of its month. Again changes nothing.

    The plan's row is locked until commit. The plan was made whole before: consent changes no task.

    Raises:
        NotAllowed: not the bureau's. NotVisible: no such plan. Conflict: the plan passes no limit.
    """
    if not scope_of(by).has(Role.BUREAU):
        raise NotAllowed("由市场监管局确认。", code="not_bureau")
    run = PlanRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None:
        raise NotVisible("没有找到这份计划。")
    if run.consented_at is not None:
        return run
    if not run.needs_consent:
        raise Conflict("这份计划没有超出工作量上限，无需确认。", code="no_consent_needed")
    run.consented_by, run.consented_at = by, clock.now()
    run.save(update_fields=["consented_by", "consented_at"])
    note = {"for_date": run.for_date.isoformat()}
    journal.append(stream=f"plan_run:{run.pk}", kind="plan.consented", by=by, at=run.consented_at, data=note)
    return run
