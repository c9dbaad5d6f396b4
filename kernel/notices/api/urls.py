"""Paths of the inbox, under `/api/v1/`."""

from kernel.api import both_slashes
from kernel.notices.api import views

urlpatterns = [
    *both_slashes("notices/", views.NoticeList.as_view(), "notices"),
    *both_slashes("notices/<int:notice_id>/read/", views.ReadNotice.as_view(), "notice-read"),
]
