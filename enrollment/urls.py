"""Addresses of enrollment: screening, eligibility, registration."""

from django.urls import path

from enrollment.views import eligibility, registration, screening

urlpatterns = [
    path("subjects/new/", screening.subject_new, name="subject_new"),
    path("subjects/<str:key>/eligibility/", eligibility.subject_eligibility, name="subject_eligibility"),
    path("subjects/<str:key>/registration/", registration.subject_registration, name="subject_registration"),
    path("subjects/<str:key>/screen-failure/", registration.subject_screen_failure, name="subject_screen_failure"),
]
