"""Addresses of this room."""

from django.urls import URLPattern, path

from followup.views import casebook, contacts, endings

urlpatterns: list[URLPattern] = [
    path("casebooks/", casebook.casebooks, name="casebooks"),
    path("subjects/<str:key>/casebook/", casebook.casebook, name="subject_casebook"),
    path("subjects/<str:key>/off-study/", endings.end_of_treatment, name="subject_end_of_treatment"),
    path("subjects/<str:key>/departure/", endings.departure, name="subject_departure"),
    path("subjects/<str:key>/follow-up/", contacts.follow_up, name="subject_follow_up"),
]
