"""The stickers of 一店一码, to print: one a shop, its code drawn here, ten on a page of A4."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from grids import door
from grids.models import GONE

STICKERS = "_stickers"
MOST_PRINTED = 200


class PrintsStickers:
    """A link above the list that gives the stickers of the filtered rows (`&id__in=1,2` names single ones).

    Put before `ExportsSheet`. At most 200; shops that are gone get none.
    """

    list_before_template = "grids/stickers_link.html"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if STICKERS not in request.GET:
            return super().changelist_view(request, extra_context)  # type: ignore[misc]
        asked = request.GET.copy()
        del asked[STICKERS]
        request.GET = asked  # type: ignore[assignment]
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        try:
            changes = self.get_changelist_instance(request)  # type: ignore[attr-defined]
        except IncorrectLookupParameters:
            return HttpResponseRedirect(self.list_address())  # type: ignore[attr-defined]
        return sheet(request, changes.get_queryset(request).select_related(None)[: MOST_PRINTED + 1])


def sheet(request: HttpRequest, entities: Any) -> HttpResponse:
    """The page to print. The address in the codes is `SUOSHE_PUBLIC_URL`, else this site's own."""
    base = request.build_absolute_uri("/")
    rows = list(entities)
    stickers = [
        {
            "name": entity.name,
            "code": entity.code,
            "svg": door.drawn(door.address(entity.code, base)),
        }
        for entity in rows[:MOST_PRINTED]
        if entity.status not in GONE
    ]
    shown = {"stickers": stickers, "more": len(rows) > MOST_PRINTED, "most": MOST_PRINTED}
    return render(request, "grids/stickers.html", shown)
