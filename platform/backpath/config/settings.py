"""Settings: one file, everything that differs between installations from the environment.

`docs/operating` describes every variable. Those that hold secrets may be given as
`<NAME>_FILE` instead.
"""

from pathlib import Path
from typing import Any

from django.utils.csp import CSP
from kombu import Exchange, Queue

from backpath.config.broker import broker_settings
from backpath.config.environment import (
    Environment,
    database_settings,
    mailer_settings,
    read_secret_key,
)
from backpath.config.logs import logging_settings

env = Environment()

REPOSITORY_DIR = Path(__file__).resolve().parents[3]
PLATFORM_DIR = REPOSITORY_DIR / "platform"


def _folder(variable: str, default: Path) -> Path:
    return Path(env.str(variable, default=str(default))).expanduser().resolve()


# Where things are ---------------------------------------------------------------------

BACKPATH_DATA_DIR = _folder("BACKPATH_DATA_DIR", REPOSITORY_DIR / ".backpath")
BACKPATH_LESSONS_DIR = _folder("BACKPATH_LESSONS_DIR", REPOSITORY_DIR / "lessons")
BACKPATH_GRADERS_DIR = _folder("BACKPATH_GRADERS_DIR", REPOSITORY_DIR / "graders")
BACKPATH_DATA_DIR.mkdir(parents=True, exist_ok=True)

# Basics -------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or read_secret_key(BACKPATH_DATA_DIR / "secret_key")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "backpath.config.urls"
ASGI_APPLICATION = "backpath.config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "backpath.core",
    "backpath.accounts",
    "backpath.catalog",
    "backpath.grading",
    "backpath.learning",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "backpath.config.middleware.StaticFilesMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PLATFORM_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Storage ------------------------------------------------------------------------------

DATABASES = {
    "default": database_settings(
        env.db_url("DATABASE_URL", default=f"sqlite:///{BACKPATH_DATA_DIR / 'db.sqlite3'}"),
        pool_size=env.int("BACKPATH_DB_POOL", default=0),
    )
}
REDIS_URL = env.str("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "backpath",
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

MEDIA_ROOT = BACKPATH_DATA_DIR / "files"
STATIC_URL = "static/"
STATIC_ROOT = _folder("STATIC_ROOT", REPOSITORY_DIR / "staticfiles")
STATICFILES_DIRS = [PLATFORM_DIR / "static"]
# Without the manifest, files are served as they lie in the source tree.
BACKPATH_STATIC_MANIFEST = env.bool("BACKPATH_STATIC_MANIFEST", default=not DEBUG)
WHITENOISE_USE_FINDERS = not BACKPATH_STATIC_MANIFEST
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Submissions: never served by a URL, never overwritten.
    "submissions": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": MEDIA_ROOT,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if BACKPATH_STATIC_MANIFEST
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
# Uploads up to the packed limit of a bundle stay within what one request may carry.
DATA_UPLOAD_MAX_NUMBER_FILES = 2_100
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Accounts -----------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "backpath.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = env.str("BACKPATH_EMAIL_VERIFICATION", default="optional")
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Backpath: "
# A link that a mail scanner opens by itself must not change anything.
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_USERNAME_BLACKLIST = ["admin", "administrator", "root", "staff", "backpath"]
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "signup": "20/m/ip",
    "reset_password": "20/m/ip,5/m/key",
    "confirm_email": "1/3m/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("BACKPATH_TRUSTED_PROXIES", default=0)
BACKPATH_SIGNUP_OPEN = env.bool("BACKPATH_SIGNUP_OPEN", default=True)

MAILERS = {"default": mailer_settings(env.str("EMAIL_URL", default="console:"))}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Backpath <noreply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Security -----------------------------------------------------------------------------

BACKPATH_HTTPS = env.bool("BACKPATH_HTTPS", default=False)
SECURE_SSL_REDIRECT = BACKPATH_HTTPS
# Health checks come from the host itself, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if BACKPATH_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = BACKPATH_HTTPS
SECURE_HSTS_PRELOAD = BACKPATH_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = BACKPATH_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = BACKPATH_HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if BACKPATH_HTTPS else "http"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

# Language and time --------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Logs ---------------------------------------------------------------------------------

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_settings(
    style=env.str("BACKPATH_LOG_STYLE", default="plain"),
    level=env.str("BACKPATH_LOG_LEVEL", default="INFO").upper(),
)

# Grading ------------------------------------------------------------------------------

BACKPATH_ENGINE = env.str(
    "BACKPATH_ENGINE", default="backpath.execution.docker_engine.DockerEngine"
)
BACKPATH_SANDBOX_RUNTIME = env.str("BACKPATH_SANDBOX_RUNTIME", default="runc")
# For each process of a worker: how many app containers wait warm, and with how much memory.
BACKPATH_POOL_SIZE = env.int("BACKPATH_POOL_SIZE", default=2)
BACKPATH_POOL_MEMORY_MB = env.int("BACKPATH_POOL_MEMORY_MB", default=1024)
# How many jobs one runner container serves, one after the other, before it is replaced.
BACKPATH_RUNNER_JOBS = env.int("BACKPATH_RUNNER_JOBS", default=50)
BACKPATH_APP_IMAGE = env.str("BACKPATH_APP_IMAGE", default="backpath/sandbox-app:latest")
# The app image with PostgreSQL and Redis, for assignments that ask for them.
BACKPATH_APP_SERVICES_IMAGE = env.str(
    "BACKPATH_APP_SERVICES_IMAGE", default="backpath/sandbox-app-services:latest"
)
BACKPATH_RUNNER_IMAGE = env.str("BACKPATH_RUNNER_IMAGE", default="backpath/sandbox-runner:latest")
# A worker that has not renewed its lease for this long has lost the job.
BACKPATH_LEASE_SECONDS = env.int("BACKPATH_LEASE_SECONDS", default=30)
# A job queued this long without being claimed gets another message.
BACKPATH_REQUEUE_SECONDS = env.int("BACKPATH_REQUEUE_SECONDS", default=30)
BACKPATH_SWEEP_SECONDS = env.float("BACKPATH_SWEEP_SECONDS", default=5.0)
# Pause before another attempt after a fault of ours.
BACKPATH_RETRY_SECONDS = env.float("BACKPATH_RETRY_SECONDS", default=5.0)
# How often a worker says that it is there.
BACKPATH_HEARTBEAT_SECONDS = env.float("BACKPATH_HEARTBEAT_SECONDS", default=10.0)
BACKPATH_MAX_JOBS_PER_SUBMISSION = env.int("BACKPATH_MAX_JOBS_PER_SUBMISSION", default=3)
BACKPATH_MAX_QUEUED_SUBMISSIONS = env.int("BACKPATH_MAX_QUEUED_SUBMISSIONS", default=5)
# No job lives longer; above the longest `wall_seconds` that an assignment may ask for.
BACKPATH_HARD_LIMIT_SECONDS = env.int("BACKPATH_HARD_LIMIT_SECONDS", default=2100)

# Celery -------------------------------------------------------------------------------

_broker = broker_settings(
    redis_url=REDIS_URL,
    folder=BACKPATH_DATA_DIR / "broker",
    # A message given again while its job still runs would only be refused, but cost a look.
    visibility_timeout_seconds=BACKPATH_HARD_LIMIT_SECONDS + 300,
)
CELERY_BROKER_URL = _broker["CELERY_BROKER_URL"]
CELERY_BROKER_TRANSPORT = _broker.get("CELERY_BROKER_TRANSPORT")
CELERY_BROKER_TRANSPORT_OPTIONS = _broker["CELERY_BROKER_TRANSPORT_OPTIONS"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = BACKPATH_HARD_LIMIT_SECONDS + 60
CELERY_TASK_DEFAULT_QUEUE = "projects"
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_QUEUES = [
    Queue(name, Exchange(name, type="direct"), routing_key=name)
    for name in ("exercises", "projects")
]
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"
