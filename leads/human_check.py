"""Is it a person? A small sum in a signed form that is good for an hour; no outside service, no cookie.

The token carries the sum and a number of its own, by which a form that is sent twice is one report. It is no
secret and keeps nobody out who can add: it stops forms that are sent without being read, beside a field
that people do not see and a rate limit.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass

from django.core import signing

from kernel.errors import Gone, Refused

SALT = "leads.human_check"
GOOD_FOR_S = 3600
EXPIRED = "页面打开时间过长，请重新填写校验题后提交。"
WRONG = "校验题答案不正确，请重新计算。"


@dataclass(frozen=True, slots=True)
class Question:
    """`token` goes into the form, `words` are asked."""

    token: str
    words: str


def ask(about: str, uid: uuid.UUID | None = None) -> Question:
    """A new question for a form about `about`; `uid` keeps the number of a form that is shown again."""
    first, second = secrets.randbelow(8) + 2, secrets.randbelow(8) + 2
    said = [about, first, second, str(uid or uuid.uuid4())]
    return Question(signing.dumps(said, salt=SALT, compress=True), f"{first} 加 {second} 等于几？")


def number_of(token: str, about: str) -> uuid.UUID | None:
    """The form's own number, also of one whose time is over; None where the token is not ours."""
    try:
        said = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return uuid.UUID(said[3]) if said[0] == about else None


def check(token: str, answer: str, about: str) -> uuid.UUID:
    """The form's own number, where the sum is right.

    Raises: Gone `form_expired`: too old, or no form of ours. Refused `wrong_answer`.
    """
    try:
        said = signing.loads(token, salt=SALT, max_age=GOOD_FOR_S)
    except signing.BadSignature:
        raise Gone(EXPIRED, code="form_expired") from None
    if said[0] != about:
        raise Gone(EXPIRED, code="form_expired")
    digits = answer.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 4 and int(digits) == said[1] + said[2]):
        raise Refused(WRONG, code="wrong_answer", attr="answer")
    return uuid.UUID(said[3])
