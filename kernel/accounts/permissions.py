"""What every endpoint asks of who is signed in, beside being signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

from kernel.accounts.models import User

if TYPE_CHECKING:  # rest_framework.views reads the settings that name this module
    from rest_framework.request import Request
    from rest_framework.views import APIView

__all__ = ["PasswordIsOwn"]


class PasswordIsOwn(BasePermission):
    """A password that somebody else has set is changed first: 403 `password_change_required`.

    Views that must answer before that (changing it, signing out) say `before_password_change = True`.
    Costs no query: the column comes with the user.
    """

    code = "password_change_required"
    message = "首次登录或密码被重置后，请先修改密码。"

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        waits = isinstance(user, User) and user.must_change_password
        return not waits or getattr(view, "before_password_change", False)
