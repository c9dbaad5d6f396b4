"""Pages of our own around leads: their clocks tick."""

from __future__ import annotations

from django.forms import Media

from grids import own_pages

OWN_MEDIA = Media(css={"all": ["leads/leads.css"]}, js=["leads/clocks.js"])
"""What they load; Django's form scripts would want its catalogue of words beside them."""


class OwnPages(own_pages.OwnPages):
    """An admin that shows and changes its rows on pages of its own, with clocks."""

    own_media = OWN_MEDIA
