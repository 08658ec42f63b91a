"""What every service of this room raises when it comes second."""

from trialsite.services.subjects import Stale


class SavedByAnother(Stale):
    """Somebody else saved the record after it was opened. Nothing was stored."""
