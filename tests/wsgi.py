"""The application as tests serve it: one process for all of them, each request on the database of the present test.

Starting the web server anew took four seconds of the processor for each test.
"""

import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.fixtures import axe
from tests.fixtures.databases import use
from trialsite.wsgi import application as product

_here = threading.local()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with the product, as its own server would; one address more gives the accessibility checker."""
    if environ["PATH_INFO"] == axe.PLACE:
        start_response("200 OK", list(axe.HEAD.items()))
        return [axe.FILE.read_bytes()]
    told = Path(os.environ["STAGE_FILE"]).read_text()
    if told != getattr(_here, "told", ""):
        stage = json.loads(told)
        use(stage["database"])  # what this thread still has open is of the test before
        for name, value in stage["settings"].items():
            setattr(settings, name, value)
        _here.told = told
    return product(environ, start_response)
