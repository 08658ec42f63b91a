"""Gunicorn's configuration in the demonstration: the program is read at once, the port opens when the data is there."""

import os
import time
from pathlib import Path

#: Names the file whose appearance opens the port.
GATE = "TRIALSITE_GATE"


def on_starting(_server: object) -> None:
    """Called by gunicorn once it has read the program, before it opens its port and minds its signals."""
    while not Path(os.environ[GATE]).exists():
        time.sleep(0.02)
