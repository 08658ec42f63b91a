"""Words of this room."""

#: Drugs that may interact with the study treatment and exclude a subject at entry (criterion E01).
WATCHED_DRUGS = ("etanercept", "infliximab", "thalidomide")
