"""Addresses of this room."""

from django.urls import URLPattern, path

from safety.views import causality, events, medications, reports

urlpatterns: list[URLPattern] = [
    path("subjects/<str:key>/adverse-events/", events.adverse_events, name="subject_adverse_events"),
    path("subjects/<str:key>/adverse-events/new/", events.adverse_event_new, name="adverse_event_new"),
    path("subjects/<str:key>/adverse-events/<int:number>/", events.adverse_event, name="adverse_event"),
    path("subjects/<str:key>/adverse-events/<int:number>/causes/", causality.causality, name="adverse_event_causality"),
    path("subjects/<str:key>/adverse-events/pregnancy/", reports.pregnancy_new, name="pregnancy_new"),
    path("subjects/<str:key>/reports/<int:number>/", reports.report, name="subject_safety_report"),
    path("safety-reports/<int:pk>/authority/", reports.authority_report, name="authority_report"),
    path("subjects/<str:key>/medications/", medications.medications, name="subject_medications"),
    path("subjects/<str:key>/medications/<int:pk>/", medications.medication, name="medication"),
]
