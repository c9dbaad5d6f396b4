"""Paths of patrols, with and without the final slash."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from kernel.api import both_slashes
from patrols.api import cards, tasks, visits

urlpatterns: list[URLPattern | URLResolver] = [
    *both_slashes("patrols/tasks", tasks.TaskList.as_view(), "patrol-tasks"),
    *both_slashes("patrols/tasks/<int:pk>", tasks.TaskDetail.as_view(), "patrol-task"),
    *both_slashes("patrols/reviews", tasks.ReviewList.as_view(), "patrol-reviews"),
    *both_slashes("patrols/reviews/confirm", tasks.ConfirmReviews.as_view(), "patrol-reviews-confirm"),
    *both_slashes("patrols/completion", tasks.Completion.as_view(), "patrol-completion"),
    *both_slashes("patrols/frequency", tasks.FrequencyList.as_view(), "patrol-frequency"),
    *both_slashes("patrols/plans", tasks.PlanList.as_view(), "patrol-plans"),
    *both_slashes("patrols/plans/<int:pk>/consent", tasks.ConsentToPlan.as_view(), "patrol-plan-consent"),
    *both_slashes("patrols/tasks/complete-batch", visits.CompleteBatch.as_view(), "patrol-stretches"),
    *both_slashes("patrols/tasks/<int:pk>/complete", visits.CompleteTask.as_view(), "patrol-task-complete"),
    *both_slashes("patrols/visits", visits.VisitList.as_view(), "patrol-visits"),
    *both_slashes("patrols/before", visits.BeforeEntering.as_view(), "patrol-before"),
    *both_slashes("patrols/cards", cards.CardList.as_view(), "patrol-cards"),
]
