"""我要反映: what a citizen tells about a shop after scanning the code on its door becomes a lead (诉求).

It is reported by an account of its own without posting or password, so it signs nothing. Who tells it may
leave a name and a telephone: they rest sealed, as every reporter's do. Tip-offs are not taken here.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction

from grids.models import BusinessEntity
from kernel import clock
from kernel.accounts.models import User
from kernel.errors import Refused, UnsupportedType
from kernel.evidence import inspection, store
from kernel.evidence.content import HEAD_BYTES, Family
from leads import intake
from leads.catalogue import UNSORTED
from leads.intake import Report, Told
from leads.models import Lead

ACCOUNT, ACCOUNT_NAME, SOURCE = "public-door", "一店一码群众反映", "door"
MOST_PHOTOS = 3
NAMELESS = "未留姓名"


@dataclass(frozen=True, slots=True)
class Telling:
    """What somebody wrote on the form. `uid` is the form's own number."""

    uid: uuid.UUID
    description: str
    name: str = ""
    phone: str = ""
    photos: Sequence[UploadedFile] = ()


def take(entity: BusinessEntity, telling: Telling) -> Lead:
    """Make the lead; the same form sent again gives the same lead.

    Raises: Refused `too_many_photos`, `nothing_said`, and what a file is refused for; Conflict
    `client_uid_conflict`: the form was sent already, with other words.
    """
    account, evidence = keep_photos(telling.photos, telling.uid)
    told = None
    if telling.name or telling.phone:
        told = Told(telling.name or NAMELESS, telling.phone)
    report = Report(
        client_uid=telling.uid,
        category=UNSORTED,
        description=telling.description,
        entity_id=entity.pk,
        evidence=evidence,
        told=told,
        source=SOURCE,
    )
    return intake.report(report=report, by=account).lead


def keep_photos(photos: Sequence[UploadedFile], uid: uuid.UUID) -> tuple[User, tuple[int, ...]]:
    """The account of what strangers send, and the numbers of the photos it has stored of the form `uid`;
    those of the same form sent again are the same ones.

    Raises: Refused `too_many_photos`, and what a file is refused for.
    """
    if len(photos) > MOST_PHOTOS:
        raise Refused(f"照片最多{MOST_PHOTOS}张。", code="too_many_photos", attr="photos")
    account = _account()
    return account, tuple(_keep(photo, uid, place, account) for place, photo in enumerate(photos))


def _keep(photo: UploadedFile, uid: uuid.UUID, place: int, account: User) -> int:
    photo.seek(0)
    head = photo.read(HEAD_BYTES)
    if head and inspection.format_of(head).family is not Family.PHOTO:
        raise UnsupportedType("只能上传照片。", code="photos_only", attr="photos")
    photo.seek(0)
    sha256 = hashlib.sha256()
    for chunk in photo.chunks():
        sha256.update(chunk)
    row, _ = store.receive(
        file=photo,
        sha256=sha256.hexdigest(),
        client_uid=uuid.uuid5(uid, f"photo:{place}"),
        captured_at=None,
        place=None,
        by=account,
        at=clock.now(),
    )
    return row.pk


def _account() -> User:
    """The account in whose name it is reported; made with the first report."""
    found = User.objects.filter(username=ACCOUNT).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return User.objects.create_user(ACCOUNT, None, name=ACCOUNT_NAME)
    except IntegrityError:
        return User.objects.get(username=ACCOUNT)
