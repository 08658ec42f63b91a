from django.apps import AppConfig


class TrialsiteConfig(AppConfig):
    name = "trialsite"
    verbose_name = "Trial"
    default_auto_field = "django.db.models.BigAutoField"
