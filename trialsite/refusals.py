"""What a use case says when it does not apply: sentences for the user."""


class Refused(Exception):
    """The use case does not apply here. The message is fit for the user."""


class Stale(Refused):
    """Somebody else saved first."""


class PlaceClosed(Refused):
    """The part of the record that would change is frozen or locked."""
