"""Addresses of this room."""

from django.urls import URLPattern, path

from followup.views import contacts, endings

urlpatterns: list[URLPattern] = [
    path("subjects/<str:key>/off-study/", endings.end_of_treatment, name="subject_end_of_treatment"),
    path("subjects/<str:key>/departure/", endings.departure, name="subject_departure"),
    path("subjects/<str:key>/follow-up/", contacts.follow_up, name="subject_follow_up"),
]
