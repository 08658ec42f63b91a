"""The one settings file. What differs between installations is read from the environment (see .env.example)."""

from pathlib import Path
from urllib.parse import urlsplit

from celery.schedules import crontab
from csp.constants import NONE, SELF

from trialsite import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.read(BASE_DIR)

PRODUCTION = env.production
SECRET_KEY = env.secret_key()
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS", "")
DEBUG = env.debug()
ALLOWED_HOSTS = env.hosts()
PUBLIC_URL = env.public_url()
BUILD = env.text("BUILD", "development")
ENVIRONMENT_RIBBON = env.text("ENVIRONMENT_RIBBON", "" if PRODUCTION else "Demonstration, not for real subjects")

# -- What the site is made of ---------------------------------------------------------------------

INSTALLED_APPS = [
    "trialsite.apps.TrialsiteConfig",
    "labs.apps.LabsConfig",
    "enrollment.apps.EnrollmentConfig",
    "safety.apps.SafetyConfig",
    "dosing.apps.DosingConfig",
    "followup.apps.FollowupConfig",
    "reporting.apps.ReportingConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # A page is sent small whether or not a proxy in front compresses. Its length is blurred, so that what stands in
    # it cannot be guessed from it; tokens are masked anew in every answer.
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "trialsite.sessions.SessionLimitsMiddleware",
    "trialsite.sessions.SignInRequired",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "trialsite.middleware.SecondFactorMiddleware",
    "trialsite.middleware.RequestContextMiddleware",
    "trialsite.middleware.FreeTextMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "trialsite.urls"
WSGI_APPLICATION = "trialsite.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "trialsite.context_processors.shell",
                "reporting.context_processors.work_shell",
                "reporting.context_processors.subject_shell",
                "trialsite.query_panel.beside",
                "trialsite.sdv_marks.beside",
                "trialsite.lock_pages.beside",
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# -- Where data lives -----------------------------------------------------------------------------

DATABASES = env.databases()
# User names are unique whatever their case, by an index that this check does not know.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTH_USER_MODEL = "trialsite.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Sign-in rate limits live here: in the database, so that a dead broker locks nobody out.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_entry"},
}

# -- Static files ---------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
# plain: straight from the source tree; manifest: collected, with names that never change their content;
# compressed: the same with Brotli beside each file, which is made once, in the image.
STATIC_STORAGES = {
    "plain": "django.contrib.staticfiles.storage.StaticFilesStorage",
    "manifest": "trialsite.static_files.Manifest",
    "compressed": "trialsite.static_files.CompressedManifest",
}
STATIC_FORM = env.text("STATIC_FORM", "compressed" if PRODUCTION else "plain")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": STATIC_STORAGES[STATIC_FORM]},
}
WHITENOISE_USE_FINDERS = STATIC_FORM == "plain"
WHITENOISE_AUTOREFRESH = STATIC_FORM == "plain"

# -- Who may come in ------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "printed_name", "email")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 14},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "trialsite.passwords.ContextWordsValidator"},
    {"NAME": "trialsite.passwords.PredictableValidator"},
]
ACCOUNT_ADAPTER = "trialsite.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
# Whether everybody needs a second factor, or who wants one.
SECOND_FACTOR = env.choice("SECOND_FACTOR", ("optional", "required"))
MFA_ADAPTER = "trialsite.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Trialsite"
LOGIN_URL = "/accounts/sign-in/"
LOGIN_REDIRECT_URL = "/"

IDLE_MINUTES = env.number("IDLE_MINUTES", 30)
SESSION_HOURS = env.number("SESSION_HOURS", 12)
SESSION_COOKIE_AGE = IDLE_MINUTES * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# -- What a browser may do with a page ------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION and env.switch("SECURE_SSL_REDIRECT", "on")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
# The health check is asked inside the container network, where nobody speaks TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PRODUCTION else []

# -- Time and words -------------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
# A file with the seconds that domain time runs ahead; production knows real time only.
CLOCK_FILE = env.clock_file()

# -- Mail: into a directory outside production ------------------------------------------------------

DEFAULT_FROM_EMAIL = env.required("DEFAULT_FROM_EMAIL", "the sender of the site's mail", "trial@localhost")
MAIL_DOMAIN = urlsplit(PUBLIC_URL).hostname
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_BACKEND = "django.core.mail.backends." + ("smtp" if PRODUCTION else "filebased") + ".EmailBackend"
EMAIL_FILE_PATH = env.text("MAIL_DIRECTORY", str(BASE_DIR / ".demo" / "mail"))
EMAIL_HOST = env.required("EMAIL_HOST", "the host name of the mail server", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.switch("EMAIL_USE_TLS", "on")
EMAIL_TIMEOUT = 10

# -- Background work ------------------------------------------------------------------------------
# A broker that is dead or silent may cost a request about two seconds and never its data:
# the message is in the outbox, and beat drains what a lost wake-up left behind.

CELERY_BROKER_URL = env.broker()
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
    "max_retries": 1,
    "visibility_timeout": 3600,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "drain the outbox": {"task": "trialsite.tasks.drain_outbox", "schedule": 15.0, "options": {"expires": 15}},
    "look at every treated subject": {
        "task": "dosing.tasks.reevaluate_everyone",
        "schedule": crontab(hour="5", minute="0"),
    },
    "send the reminders of the day": {
        # Every hour, since a day begins at each site's own midnight; a step goes out once however often it is swept.
        "task": "followup.tasks.sweep_reminders",
        "schedule": crontab(minute="0"),
    },
    "tell of the reporting clocks": {"task": "safety.tasks.sweep_clocks", "schedule": crontab(minute="*/10")},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
}
