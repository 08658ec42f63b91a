"""Addresses of enrollment: screening, eligibility, registration."""

from django.urls import path

from enrollment.views import consent, consent_forms, eligibility, identity, registration, screening, waivers

urlpatterns = [
    path("consent-forms/", consent_forms.consent_forms, name="consent_forms"),
    path("consent-forms/<int:pk>/", consent_forms.consent_form, name="consent_form"),
    path("subjects/new/", screening.subject_new, name="subject_new"),
    path("subjects/<str:key>/consent/", consent.subject_consent, name="subject_consent"),
    path("subjects/<str:key>/identity/", identity.subject_identity, name="subject_identity"),
    path("subjects/<str:key>/eligibility/", eligibility.subject_eligibility, name="subject_eligibility"),
    path("subjects/<str:key>/waivers/<str:criterion>/", waivers.subject_waiver, name="subject_waiver"),
    path("subjects/<str:key>/registration/", registration.subject_registration, name="subject_registration"),
    path("subjects/<str:key>/screen-failure/", registration.subject_screen_failure, name="subject_screen_failure"),
]
