"""Patrols in the admin: the plan, what was done, the papers, the policy."""

from patrols.admin import inspections, plans, tasks, visits

__all__ = ["inspections", "plans", "tasks", "visits"]
