"""The application that gunicorn serves."""

import os
from importlib import import_module
from threading import Thread

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from trialsite.garbage import collect_seldom

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")

application = get_wsgi_application()
# Every page is read in here, before the workers part, so that none of them and no first visitor waits for it.
_ = get_resolver().url_patterns
collect_seldom()


def _read_statistics() -> None:
    """What dashboards count with takes a second to read: each worker does it beside its first pages."""
    Thread(target=import_module, args=("scipy.stats",), daemon=True).start()


os.register_at_fork(after_in_child=_read_statistics)
