"""The settings of the product with what makes tests quick; used by pytest and by every process it starts."""

from trialsite.settings import *  # noqa: F403

# Hashing is meant to be slow; the tests that show it is Argon2id ask trialsite.settings.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
