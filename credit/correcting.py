"""A fall that was wrong is taken back at once (DOMAIN.md §4: appeal; docs/adr on appeals and repair).

Up goes only at a review and step by step; but what an upheld appeal has shown never to have been true earns
no waiting time. The business stands again where it stood before the grading that was appealed against, or
where its remaining facts put it, whichever is worse.
"""

from __future__ import annotations

from datetime import datetime

from credit import grading
from credit.grade_changes import GradeMove
from credit.models import CreditAssessment
from credit.movement import Before

REMEMBERED = 200
"""So many gradings back say since when a grade was held."""


def correct(
    entity_id: int,
    *,
    assessment_id: int,
    at: datetime,
    trigger: str = CreditAssessment.Trigger.APPEAL,
) -> list[GradeMove]:
    """Grade one business anew, in the caller's transaction, after facts behind this grading were withdrawn.

    A fall that it brought (a first grading: whatever it gave) is taken back; a grading that brought none is
    followed by an ordinary one. Raises as `grading.regrade`.
    """
    wrong = CreditAssessment.objects.get(pk=assessment_id, entity_id=entity_id)
    before = wrong.previous_grade
    if before and wrong.effective_grade <= before:
        return grading.regrade([entity_id], at=at, trigger=trigger)
    earlier = _stood(wrong) if before else None
    return grading.regrade([entity_id], at=at, trigger=trigger, restored={entity_id: earlier})


def _stood(wrong: CreditAssessment) -> Before:
    """Where it stood before this grading, and since when."""
    rows = CreditAssessment.objects.filter(entity_id=wrong.entity_id, pk__lt=wrong.pk).order_by("-pk")
    since = wrong.on
    for grade, on in rows.values_list("effective_grade", "on")[:REMEMBERED]:
        if grade != wrong.previous_grade:
            break
        since = on
    return Before(wrong.previous_grade, since)
