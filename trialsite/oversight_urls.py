"""Addresses of queries, the audit trail, and mail."""

from django.urls import path

from trialsite.views import audit, free_text, mail, queries

urlpatterns = [
    path("queries/", queries.query_list, name="queries"),
    path("queries/new/", queries.query_new, name="query_new"),
    path("queries/<int:pk>/", queries.query, name="query"),
    path("subjects/<str:key>/queries/", queries.subject_queries, name="subject_queries"),
    path("audit/", audit.audit, name="audit"),
    path("subjects/<str:key>/audit/", audit.subject_audit, name="subject_audit"),
    path("text-check/", free_text.text_check, name="text_check"),
    path("mail/", mail.mail_list, name="mail"),
]
