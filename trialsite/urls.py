"""Addresses of the whole site; every room above is included by name, so that imports fall only downwards."""

from django.urls import URLPattern, URLResolver, include, path

from trialsite.views import drafts, protocol, second_factor, sign_in

#: Rooms whose pages are mounted at the root, in the order in which they are searched.
ROOMS = ("enrollment", "labs", "safety", "dosing", "followup", "reporting")

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", sign_in.healthz, name="healthz"),
    path("accounts/sign-in/", sign_in.SignIn.as_view(), name="account_login"),
    path("accounts/sign-in/code/", second_factor.sign_in_code, name="mfa_authenticate"),
    path("accounts/session/", sign_in.session, name="account_session"),
    path("accounts/sign-out/", sign_in.sign_out, name="account_logout"),
    path("", include("trialsite.administration_urls")),
    path("", include("trialsite.oversight_urls")),
    path("draft/", drafts.draft_of_no_subject, name="draft"),
    path("subjects/<str:key>/draft/", drafts.draft, name="subject_draft"),
    path("protocol/", protocol.protocol, name="protocol"),
    *[path("", include(f"{room}.urls")) for room in ROOMS],
    path("protocol/<str:version>/", protocol.version, name="protocol_version"),
]
