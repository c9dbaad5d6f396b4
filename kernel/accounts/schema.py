"""How device tokens appear in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

__all__ = ["DeviceTokenScheme"]


class DeviceTokenScheme(OpenApiAuthenticationExtension):
    target_class = "kernel.accounts.authentication.DeviceTokenAuthentication"
    name = "deviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "设备令牌，由 POST auth/login 取得，90 天有效。",
        }
