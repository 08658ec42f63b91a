"""gunicorn's settings for production: `gunicorn trialsite.wsgi --config python:trialsite.web_server`."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")

bind = "0.0.0.0:8000"  # nosec B104
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = 4
keepalive = 75
graceful_timeout = 20
control_socket_disable = True
preload_app = True  # the program is read once, not once per worker
worker_tmp_dir = "/dev/shm"  # noqa: S108  # nosec B108
accesslog = "-"

# Refuse unsafe settings once and in one sentence, before the program is read and fails at length.
try:
    _ = settings.SECRET_KEY
except ImproperlyConfigured as refusal:
    sys.exit(str(refusal))
