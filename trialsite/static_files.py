"""Collected static files: names that never change their content, also where one script names another."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Manifest(ManifestStaticFilesStorage):
    """A script under two names would run twice, so imports get the name of the page."""

    support_js_module_import_aggregation = True


class CompressedManifest(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """The same with Brotli beside each file."""

    support_js_module_import_aggregation = True
