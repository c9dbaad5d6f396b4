"""How the admin looks (django-unfold). Calm blues; the sidebar is built by `suoshe.navigation`."""

from __future__ import annotations

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "所社联动",
    "SITE_HEADER": "所社联动",
    "SITE_SUBHEADER": "“肥城市监·所社联动”网格管理平台",
    "SITE_SYMBOL": "account_tree",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "suoshe.navigation.favicon"}],
    "STYLES": ["suoshe.navigation.stylesheet"],
    "COLORS": {
        "primary": {
            "50": "oklch(97.0% .013 240)",
            "100": "oklch(93.8% .027 240)",
            "200": "oklch(88.2% .048 240)",
            "300": "oklch(80.2% .078 240)",
            "400": "oklch(69.5% .108 242)",
            "500": "oklch(59.5% .118 244)",
            "600": "oklch(50.5% .115 247)",
            "700": "oklch(43.5% .100 249)",
            "800": "oklch(37.8% .082 250)",
            "900": "oklch(32.8% .064 251)",
            "950": "oklch(25.5% .050 253)",
        }
    },
    "ACCOUNT": {
        "navigation": [
            {"title": "修改密码", "link": "suoshe.navigation.password_change"},
            {"title": "二次验证", "link": "suoshe.navigation.second_factor"},
        ]
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "suoshe.navigation.groups",
    },
}
