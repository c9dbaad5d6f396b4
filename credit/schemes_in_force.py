"""Which scheme is in force."""

from __future__ import annotations

from credit.models import CreditScheme
from credit.scheme import Scheme, parse
from kernel.errors import Conflict


class NoSchemeInForce(Conflict):
    """Nothing can be graded without a scheme in force."""

    default_code = "no_scheme_in_force"


def newest() -> tuple[int, Scheme]:
    """Number and rules of the scheme in force. One statement.

    Raises:
        NoSchemeInForce: there is none.
    """
    found = CreditScheme.objects.filter(state=CreditScheme.State.IN_FORCE).values_list("pk", "rules").first()
    if found is None:
        raise NoSchemeInForce("没有施行中的信用评分方案。")
    number, rules = found
    return number, parse(rules)
