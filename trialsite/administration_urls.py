"""Addresses of administration and of a person's own account."""

from django.urls import path

from trialsite.views import accounts, administration, failed_work, second_factor, training

urlpatterns = [
    path("accounts/welcome/<str:token>/", accounts.welcome, name="welcome"),
    path("accounts/profile/", accounts.profile, name="profile"),
    path("accounts/second-factor/", second_factor.page, name="second_factor"),
    path("admin/", administration.overview, name="administration"),
    path("admin/sites/", administration.site_list, name="sites"),
    path("admin/sites/new/", administration.site_new, name="site_new"),
    path("admin/sites/<str:code>/", administration.site, name="site"),
    path("admin/sites/<str:code>/change/", administration.site_change, name="site_change"),
    path("admin/users/", administration.user_list, name="users"),
    path("admin/users/invite/", administration.user_invite, name="user_invite"),
    path("admin/users/<int:pk>/", administration.user, name="user"),
    path("admin/users/<int:pk>/link/", administration.user_link, name="user_link"),
    path("admin/users/<int:pk>/roles/new/", administration.user_delegate, name="user_delegate"),
    path("admin/users/<int:pk>/signing/", administration.user_signing, name="user_signing"),
    path("admin/users/<int:pk>/deactivate/", administration.user_deactivate, name="user_deactivate"),
    path("admin/users/<int:pk>/second-factor/", administration.user_factor, name="user_factor"),
    path("admin/users/<int:pk>/training/new/", training.user_training, name="user_training"),
    path("admin/training/<int:pk>/in-error/", training.training_in_error, name="training_in_error"),
    path("admin/failed-work/", failed_work.page, name="failed_work"),
    path("admin/roles/<int:pk>/end/", administration.delegation_end, name="delegation_end"),
]
