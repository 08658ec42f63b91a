"""Addresses of this room."""

from django.urls import URLPattern, path

from reporting.views import subjects, work

urlpatterns: list[URLPattern] = [
    path("", work.home, name="home"),
    path("my-work/", work.my_work, name="my_work"),
    path("subjects/", subjects.subjects, name="subjects"),
    path("jump/", subjects.jump, name="jump"),
]
