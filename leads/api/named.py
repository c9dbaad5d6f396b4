"""Shapes that others are made of: a person, a lead by its number."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class PersonOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()


class LeadNameOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    number = serializers.CharField()
