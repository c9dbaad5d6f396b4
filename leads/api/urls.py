"""Paths of leads, orders and categories, with and without the final slash."""

from __future__ import annotations

from kernel.api import both_slashes
from leads.api import (
    after,
    answers,
    leniency,
    look_backs,
    matters,
    orders,
    requests,
    surveys,
    views,
    whistles,
)

urlpatterns = [
    *both_slashes("leads", views.LeadList.as_view(), "leads"),
    *both_slashes("leads/<int:pk>", views.LeadDetail.as_view(), "lead"),
    *both_slashes("leads/<int:pk>/respond", views.Respond.as_view(), "lead-respond"),
    *both_slashes(
        "leads/<int:pk>/confirm-handover", views.ConfirmHandover.as_view(), "lead-confirm-handover"
    ),
    *both_slashes("leads/<int:pk>/control", views.Control.as_view(), "lead-control"),
    *both_slashes("leads/<int:pk>/feedback", views.Feedback.as_view(), "lead-feedback"),
    *both_slashes("leads/<int:pk>/verify", views.Verify.as_view(), "lead-verify"),
    *both_slashes("leads/<int:pk>/rework", views.Rework.as_view(), "lead-rework"),
    *both_slashes("leads/<int:pk>/dispatch", views.Dispatch.as_view(), "lead-dispatch"),
    *both_slashes("leads/<int:pk>/timeline", views.Timeline.as_view(), "lead-timeline"),
    *both_slashes("leads/<int:pk>/explain", views.Explain.as_view(), "lead-explain"),
    *both_slashes("categories", views.CategoryList.as_view(), "categories"),
    *both_slashes("supervision-orders", orders.OrderList.as_view(), "supervision-orders"),
    *both_slashes(
        "supervision-orders/acknowledge", orders.AcknowledgeMany.as_view(), "supervision-orders-acknowledge"
    ),
    *both_slashes("supervision-orders/<int:pk>", orders.OrderDetail.as_view(), "supervision-order"),
    *both_slashes(
        "supervision-orders/<int:pk>/acknowledge",
        orders.Acknowledge.as_view(),
        "supervision-order-acknowledge",
    ),
    *after.urlpatterns,
    *look_backs.urlpatterns,
    *requests.urlpatterns,
    *answers.urlpatterns,
    *leniency.urlpatterns,
    *matters.urlpatterns,
    *surveys.urlpatterns,
    *whistles.urlpatterns,
]
