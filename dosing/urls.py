"""Addresses of this room."""

from django.urls import URLPattern, path

from dosing.views import calendar, history, modifications, parameters, responses, sheet, supplies, versions

urlpatterns: list[URLPattern] = [
    path("subjects/<str:key>/responses/", history.responses, name="subject_responses"),
    path("subjects/<str:key>/responses/<str:code>/", responses.response, name="subject_response"),
    path("subjects/<str:key>/dosing/", calendar.dosing, name="subject_dosing"),
    path("subjects/<str:key>/dosing/print/", sheet.sheet, name="subject_dosing_sheet"),
    path("subjects/<str:key>/dosing/calendar.ics", sheet.calendar_file, name="subject_calendar_file"),
    path("subjects/<str:key>/dosing/modifications/", modifications.page, name="subject_modifications"),
    path("subjects/<str:key>/dispensing/", supplies.dispensing, name="subject_dispensing"),
    path("supplies/", supplies.supplies, name="supplies"),
    path("protocol/compare/", versions.comparison, name="protocol_comparison"),
    path("protocol/parameters/<str:name>/", parameters.parameter, name="protocol_parameter"),
]
