"""A broken constraint of the database becomes a refusal that people understand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, models, transaction

from kernel.errors import Conflict


@contextmanager
def naming_the_rule(model: type[models.Model]) -> Iterator[None]:
    """Run the block in a savepoint; where it breaks a constraint of `model`, say which in Chinese.

    Raises:
        Conflict: code is the constraint's name without the app's, detail its Chinese message.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as broken:
        diag = getattr(broken.__cause__, "diag", None)
        name = getattr(diag, "constraint_name", None) or ""
        for constraint in model._meta.constraints:
            if constraint.name == name:
                message = str(constraint.get_violation_error_message())
                raise Conflict(message, code=name.removeprefix("grids_")) from broken
        raise
