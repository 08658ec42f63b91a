"""Addresses of this room."""

from django.urls import URLPattern, path

from reporting.views import overview, subjects, work

urlpatterns: list[URLPattern] = [
    path("", work.home, name="home"),
    path("my-work/", work.my_work, name="my_work"),
    path("subjects/", subjects.subjects, name="subjects"),
    path("subjects/<str:key>/", overview.subject, name="subject"),
    path("jump/", subjects.jump, name="jump"),
]
