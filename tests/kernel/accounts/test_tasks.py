"""What beat runs for the accounts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from kernel import clock
from kernel.accounts.tasks import clear_sessions


@pytest.mark.django_db
def test_only_sessions_that_have_run_out_go() -> None:
    now = clock.now()
    for name, ahead in (("old", -1), ("live", 1)):
        Session.objects.create(session_key=name, session_data="", expire_date=now + timedelta(hours=ahead))
    for _ in range(2):
        clear_sessions()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["live"]
