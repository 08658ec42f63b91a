"""The Celery application: `celery -A trialsite.celery worker` and `celery -A trialsite.celery beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from trialsite.garbage import collect_seldom

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")

app = Celery("trialsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def _settle(**_: Any) -> None:
    collect_seldom()
