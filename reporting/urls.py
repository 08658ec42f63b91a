"""Addresses of this room."""

from django.urls import URLPattern, path

from reporting.views import (
    abstract,
    dashboard,
    data_quality,
    enrolment,
    exports,
    overview,
    replay,
    safety,
    safety_report,
    screening_log,
    subjects,
    work,
)

urlpatterns: list[URLPattern] = [
    path("", work.home, name="home"),
    path("my-work/", work.my_work, name="my_work"),
    path("subjects/", subjects.subjects, name="subjects"),
    path("screening-log/", screening_log.page, name="screening_log"),
    path("screening-log/screening_log.csv", screening_log.as_csv, name="screening_log_csv"),
    path("subjects/<str:key>/", overview.subject, name="subject"),
    path("subjects/<str:key>/replay/", replay.page, name="subject_replay"),
    path("subjects/<str:key>/safety-reports/<int:number>/form/", safety_report.sheet, name="safety_report_sheet"),
    path("dashboards/efficacy/", dashboard.page, name="efficacy"),
    path("dashboards/efficacy/subjects/", dashboard.subjects, name="efficacy_subjects"),
    path("dashboards/efficacy/efficacy.csv", dashboard.as_csv, name="efficacy_csv"),
    path("dashboards/safety/", safety.page, name="safety"),
    path("dashboards/safety/rows/", safety.rows, name="safety_rows"),
    path("dashboards/safety/<str:name>.csv", safety.as_csv, name="safety_csv"),
    path("dashboards/enrolment/", enrolment.page, name="enrolment"),
    path("dashboards/enrolment/subjects/", enrolment.subjects, name="enrolment_subjects"),
    path("dashboards/enrolment/enrolment.csv", enrolment.as_csv, name="enrolment_csv"),
    path("dashboards/data-quality/", data_quality.page, name="data_quality"),
    path("dashboards/data-quality/rows/", data_quality.rows, name="data_quality_rows"),
    path("dashboards/data-quality/timeliness.csv", data_quality.as_csv, name="timeliness_csv"),
    path("dashboards/abstract/", abstract.page, name="abstract_table"),
    path("dashboards/abstract/abstract_table.csv", abstract.as_csv, name="abstract_csv"),
    path("dashboards/abstract/abstract_statements.csv", abstract.statements_as_csv, name="abstract_statements_csv"),
    path("exports/", exports.exports, name="exports"),
    path("exports/everything.zip", exports.everything, name="export_all"),
    path("exports/manifest.json", exports.manifest_alone, name="export_manifest"),
    path("exports/<str:name>.csv", exports.dataset, name="export"),
    path("jump/", subjects.jump, name="jump"),
]
