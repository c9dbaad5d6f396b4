"""Patrols in the admin: the plan, what was done, the papers, the policy."""

from patrols.admin import entity_panel, inspections, planned, plans, policy, visits

__all__ = ["entity_panel", "inspections", "planned", "plans", "policy", "visits"]
