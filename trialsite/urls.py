"""Addresses of the whole site; every room above is included by name, so that imports fall only downwards."""

from django.urls import URLPattern, URLResolver, path

from trialsite.health import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health, name="healthz"),
]
