"""Addresses of this room."""

from django.urls import URLPattern, path

from labs.views import api, cumulative, disease, import_list, imports, laboratories, panels, receipts, visits

urlpatterns: list[URLPattern] = [
    path("subjects/<str:key>/visits/", visits.subject_visits, name="subject_visits"),
    path("subjects/<str:key>/visits/<str:code>/", visits.visit, name="visit"),
    path("subjects/<str:key>/visits/<str:code>/labs/", panels.visit_labs, name="visit_labs"),
    path("subjects/<str:key>/visits/<str:code>/disease/", disease.visit_disease, name="visit_disease"),
    path("subjects/<str:key>/labs/", cumulative.subject_labs, name="subject_labs"),
    path("labs/imports/", import_list.lab_imports, name="lab_imports"),
    path("labs/imports/<int:pk>/map/", imports.lab_import_map, name="lab_import_map"),
    path("labs/imports/<int:pk>/review/", imports.lab_import_review, name="lab_import_review"),
    path("labs/imports/<int:pk>/receipt.csv", receipts.lab_import_receipt, name="lab_import_receipt"),
    path("api/labs/results/", api.api_lab_results, name="api_lab_results"),
    path("api/openapi.json", api.api_document, name="api_document"),
    path("labs/ranges/", laboratories.laboratories, name="laboratories"),
    path("labs/ranges/<int:pk>/", laboratories.laboratory, name="laboratory"),
]
