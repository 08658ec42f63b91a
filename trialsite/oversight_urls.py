"""Addresses of queries, source data verification, locks, the audit trail, and mail."""

from django.urls import path

from trialsite.views import audit, free_text, locks, mail, queries, sdv

urlpatterns = [
    path("queries/", queries.query_list, name="queries"),
    path("queries/new/", queries.query_new, name="query_new"),
    path("queries/<int:pk>/", queries.query, name="query"),
    path("subjects/<str:key>/queries/", queries.subject_queries, name="subject_queries"),
    path("sdv/", sdv.work, name="sdv"),
    path("subjects/<str:key>/sdv/", sdv.subject, name="subject_sdv"),
    path("subjects/<str:key>/sdv/<str:code>/", sdv.place, name="visit_sdv"),
    path("subjects/<str:key>/sdv/withdraw/<int:pk>/", sdv.withdraw, name="sdv_withdraw"),
    path("locks/", locks.overview, name="locks"),
    path("locks/ready/", locks.ready, name="locks_ready"),
    path("subjects/<str:key>/locks/", locks.subject, name="subject_locks"),
    path("subjects/<str:key>/locks/<str:code>/", locks.place, name="place_lock"),
    path("audit/", audit.audit, name="audit"),
    path("subjects/<str:key>/audit/", audit.subject_audit, name="subject_audit"),
    path("text-check/", free_text.text_check, name="text_check"),
    path("mail/", mail.mail_list, name="mail"),
]
