#!/usr/bin/env python3
"""Run a management command of the trial site."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

NO_DATABASE = "There is no database here: start ./bin/demo in another terminal, or set DATABASE_URL."


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        # A setting that is missing or unsafe is answered with one sentence, not with a traceback.
        print(NO_DATABASE if "DATABASES" in str(refusal) else refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
