"""Paths of approvals, under `/api/v1/`."""

from kernel.api import both_slashes
from kernel.approvals.api import views

urlpatterns = [
    *both_slashes("approvals", views.ApprovalList.as_view(), "approvals"),
    *both_slashes("approvals/<int:approval_id>", views.OneApproval.as_view(), "approval"),
    *both_slashes("approvals/<int:approval_id>/approve", views.Approve.as_view(), "approval-approve"),
    *both_slashes("approvals/<int:approval_id>/refuse", views.Refuse.as_view(), "approval-refuse"),
]
