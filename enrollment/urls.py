"""Addresses of enrollment: screening, eligibility, registration."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
