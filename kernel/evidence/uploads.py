"""Files that come with a form of the admin: stored at once, so that a refused form loses none of them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from django import forms

from kernel import clock
from kernel.accounts.models import User
from kernel.evidence import store
from kernel.evidence.models import Evidence

MOST_KEPT = 20


class PhotosInput(forms.ClearableFileInput):
    """Several photos at once; drawn by `evidence/_photos.html`."""

    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """A list of uploaded files, perhaps empty. What they are is decided by `evidence.store`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=PhotosInput, **options)

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = data if isinstance(data, list | tuple) else [data]
        return [super(PhotosField, self).clean(one, initial) for one in given if one]


class KeepsPhotos(forms.Form):
    """Photos stored at once, so that a refusal does not lose them: `kept` holds their numbers."""

    photos = PhotosField(
        label="照片、视频或语音",
        help_text=(
            "照片（JPEG、PNG、WebP、HEIC）每张不超过 20 MB，MP4 视频不超过 100 MB，"
            "语音（m4a、aac、amr）不超过 60 秒，可多选。"
        ),
    )
    kept = forms.CharField(required=False, widget=forms.HiddenInput, max_length=400)

    def kept_ids(self) -> list[int]:
        """Numbers of files stored by an earlier try. Whose they are is asked when they are attached."""
        raw = str(self.data.get("kept", "")).split(",")
        return [int(one) for one in raw if one.isascii() and one.isdigit() and len(one) < 18][:MOST_KEPT]


def put(form: forms.BaseForm, **values: str) -> None:
    """Set hidden values of a form that is shown again; what the person typed stays."""
    data: Any = form.data.copy()  # type: ignore[attr-defined]
    for name, value in values.items():
        data[name] = value
    form.data = data


def keep(files: Sequence[Any], *, by: User, seed: uuid.UUID) -> list[int]:
    """Store each file and give their numbers. The same file with the same `seed` is stored once.

    Raises:
        DomainError: what `evidence.store.receive` refuses; files before it stay stored.
    """
    return [_keep(file, by, seed) for file in files]


def of_form(form: KeepsPhotos, *, by: User) -> list[int]:
    """Numbers of the files of a form that makes one thing once, by its `client_uid`; what was just sent is
    stored now. Those that a first try of this very form attached count too. Raises as `keep`."""
    earlier, uid = form.kept_ids(), form.cleaned_data.get("client_uid")
    if uid is None:
        return loose(earlier, by=by)
    sent = form.cleaned_data.get("photos") or []
    return list(dict.fromkeys([*earlier, *keep(sent, by=by, seed=uid)]))


def _keep(file: Any, by: User, seed: uuid.UUID) -> int:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    sha256 = digest.hexdigest()
    evidence, _ = store.receive(
        file=file,
        sha256=sha256,
        client_uid=uuid.uuid5(seed, sha256),
        captured_at=None,
        place=None,
        by=by,
        at=clock.now(),
    )
    return evidence.pk


def loose(ids: Sequence[int], *, by: User) -> list[int]:
    """Of these numbers, the person's own files that belong to nothing yet, in order. One statement."""
    own = Evidence.objects.filter(pk__in=ids, uploaded_by=by, subject_kind__isnull=True)
    there = set(own.values_list("pk", flat=True))
    return [number for number in dict.fromkeys(ids) if number in there]
