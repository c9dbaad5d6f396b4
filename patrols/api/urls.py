"""Paths of patrols, with and without the final slash."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from kernel.api import both_slashes
from patrols.api import cards, visits

urlpatterns: list[URLPattern | URLResolver] = [
    *both_slashes("patrols/tasks/complete-batch", visits.CompleteBatch.as_view(), "patrol-stretches"),
    *both_slashes("patrols/tasks/<int:pk>/complete", visits.CompleteTask.as_view(), "patrol-task-complete"),
    *both_slashes("patrols/visits", visits.VisitList.as_view(), "patrol-visits"),
    *both_slashes("patrols/before", visits.BeforeEntering.as_view(), "patrol-before"),
    *both_slashes("patrols/cards", cards.CardList.as_view(), "patrol-cards"),
]
