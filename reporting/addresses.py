"""Addresses of pages by name."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse


def address(name: str, *parts: object) -> str:
    """The address of a page; empty where it is not mounted."""
    try:
        return reverse(name, args=parts)
    except NoReverseMatch:
        return ""
