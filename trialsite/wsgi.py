"""The application that gunicorn serves."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from trialsite.garbage import collect_seldom

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")

application = get_wsgi_application()
# Every page is read in here, before the workers part, so that none of them and no first visitor waits for it.
_ = get_resolver().url_patterns
# What dashboards count with is read at its first use everywhere else.
import_module("scipy.stats")
collect_seldom()
