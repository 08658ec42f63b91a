"""Addresses of the whole site; every room above is included by name, so that imports fall only downwards."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
