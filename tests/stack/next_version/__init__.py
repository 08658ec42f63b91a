"""The migrations of safety with one more: what a version after this one might do to a filled database."""

from safety import migrations

__path__ = [*migrations.__path__, *__path__]
