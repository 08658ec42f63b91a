"""Addresses of this room."""

from django.urls import URLPattern, path

from safety import views

urlpatterns: list[URLPattern] = [
    path("subjects/<str:key>/medications/", views.medications, name="subject_medications"),
    path("subjects/<str:key>/medications/<int:pk>/", views.medication, name="medication"),
]
