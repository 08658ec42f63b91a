from django.apps import AppConfig


class DosingConfig(AppConfig):
    name = "dosing"
    verbose_name = "Dosing"
    default_auto_field = "django.db.models.BigAutoField"
