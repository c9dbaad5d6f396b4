"""Application of `kernel.accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "kernel.accounts"
    label = "accounts"
    verbose_name = "账号与登录"
