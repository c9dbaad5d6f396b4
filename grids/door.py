"""一店一码: what anybody who scans the sticker on a shop's door may know (DESIGN.md §8, DOMAIN.md §7).

Name, address, state, credit code and licences with their dates; titles that a higher app registers.
Never the grade, the operator, a telephone or a person's certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from grids import same_business
from grids.models import GONE, BusinessEntity, Licence
from grids.models.licences import PERSONAL
from kernel import clock

Titles = Callable[[Sequence[int]], Mapping[int, str]]
"""`(entity_ids)` → the title that each holds now, of those that hold one."""
_titles: list[Titles] = []
LONGEST_CODE = 20


def register_title(titles: Titles) -> None:
    """Have a title shown at the door. Registering twice is once."""
    if titles not in _titles:
        _titles.append(titles)


@dataclass(frozen=True, slots=True)
class ShownLicence:
    name: str
    number: str
    until: date | None
    expired: bool


@dataclass(frozen=True, slots=True)
class Door:
    """What the page shows. `entity` is for whoever asks on: nothing else of it is printed."""

    entity: BusinessEntity
    licences: tuple[ShownLicence, ...]
    titles: tuple[str, ...]

    @property
    def gone(self) -> bool:
        return self.entity.status in GONE


def behind(code: str) -> Door | None:
    """The shop of a sticker, of one entered twice the entry that stands; None where no shop bears this code.

    Four statements and one a title.
    """
    if not 0 < len(code) <= LONGEST_CODE or not code.isascii() or not code.isalnum():
        return None
    entity = BusinessEntity.objects.filter(code=code.upper()).first()
    if entity is None:
        return None
    if (stands := same_business.survivor_of(entity.pk)) != entity.pk:
        entity = BusinessEntity.objects.get(pk=stands)
    today = clock.today()
    rows = Licence.objects.filter(entity=entity, ended_on__isnull=True).exclude(type__in=PERSONAL)
    licences = [
        ShownLicence(
            str(row.get_type_display()),
            row.number,
            row.expires_on,
            row.expires_on is not None and row.expires_on < today,
        )
        for row in rows
    ]
    titles = [told for one in _titles if (told := one([entity.pk]).get(entity.pk))]
    return Door(entity, tuple(licences), tuple(titles))


def address(code: str, base: str = "") -> str:
    """What the sticker says: `SUOSHE_PUBLIC_URL`, else `base`."""
    return f"{settings.SUOSHE_PUBLIC_URL or base.rstrip('/')}/d/{code}/"


def drawn(text: str) -> SafeString:
    """A QR code as inline SVG."""
    import qrcode  # with Pillow: only where a code is drawn
    import qrcode.image.svg

    image = qrcode.make(
        text,
        image_factory=qrcode.image.svg.SvgPathImage,
        border=2,
        error_correction=qrcode.constants.ERROR_CORRECT_M,
    )
    return mark_safe(image.to_string(encoding="unicode"))  # noqa: S308  made here from our own address
