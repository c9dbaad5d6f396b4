"""Credit in the admin: standings, facts, gradings, reviews, what is asked, partners, schemes."""

from credit.admin import asked, entity_panels, facts, partners, schemes, standings

__all__ = ["asked", "entity_panels", "facts", "partners", "schemes", "standings"]
