"""案件编号 that comes after the result: a penalty was filed, its number followed (DESIGN.md §3).

A disposal is signed and never changes; the number stands in a row beside it, entered once.
"""

from __future__ import annotations

from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, Refused
from leads import referral
from leads.acts import Act, Expect, perform
from leads.models import CaseNumber, Disposal, DisposalKind, Lead
from leads.states import State

LONGEST = 60


def of(disposal: Disposal) -> str:
    """The number of the case, whether it was signed with the result or entered later; empty where none is
    known. Read `later_case` with the disposal."""
    later: CaseNumber | None = getattr(disposal, "later_case", None)
    return disposal.case_number or (later.number if later else "")


def refuse(act: Act) -> Disposal:
    """The result of the present round, where this person may enter the number of its case.

    Raises:
        NotAllowed: `not_registrar`, `recused`. Conflict: `not_a_penalty`.
    """
    try:
        referral.refuse_registrar(act)
    except NotAllowed as refused:
        if refused.code != "not_registrar":
            raise
        raise NotAllowed("案件编号由承办人或所内勤登记。", code="not_registrar") from None
    rows = Disposal.objects.select_related("later_case")
    found = rows.filter(lead=act.lead, round=act.lead.round, kind=DisposalKind.PENALTY).first()
    if found is None or act.lead.state not in (State.FED_BACK, State.CLOSED):
        raise Conflict("这条线索目前没有立案查处，不能登记案件编号。", code="not_a_penalty")
    return found


def enter(*, lead_id: int, by: User, expect: Expect, number: str) -> Lead:
    """补登案件编号: the owner, or the office's desk and heads, enter it once. Saying it again gives the lead
    back.

    Raises (beside `acts.perform`): NotAllowed `not_registrar`, `recused`; Conflict `not_a_penalty`,
    `case_number_there` (another one); Refused `case_number_required`.
    """
    said = number.strip()
    if not said:
        raise Refused("请填写案件编号。", code="case_number_required", attr="case_number")

    def work(act: Act) -> Lead:
        disposal = refuse(act)
        known = of(disposal)
        if known == said:
            return act.lead
        expect(act.lead.version)
        if known:
            raise Conflict("案件编号已经登记，不能更改。", code="case_number_there", attr="case_number")
        CaseNumber.objects.create(disposal=disposal, number=said[:LONGEST], by=by, at=act.at)
        act.save()
        act.note("lead.case_numbered", {"round": disposal.round, "number": said[:LONGEST]})
        return act.lead

    return perform(lead_id, by, work)
