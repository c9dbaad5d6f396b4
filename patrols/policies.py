"""Which policy of the plan is in force."""

from __future__ import annotations

from datetime import datetime

from patrols.models import PatrolPolicy


def in_force(at: datetime) -> PatrolPolicy:
    """The newest version whose time has come; the built-in values where there is none. One statement."""
    found = PatrolPolicy.objects.filter(in_force_at__lte=at).order_by("-version").first()
    return found or PatrolPolicy(version=0, in_force_at=at)
