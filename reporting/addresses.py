"""Addresses of pages by name, with their parts in order."""

from __future__ import annotations

from django.urls import reverse


def address(name: str, *parts: object) -> str:
    return reverse(name, args=parts)
