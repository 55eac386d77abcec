"""The settings: those of a new project, and what safeconduct needs."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SITE = "http://localhost:8000"

# What safeconduct needs.
SAFECONDUCT = {
    "store": "memory://",
    "issuer": SITE,
    "audience": SITE,
    "external_url": SITE,
    "keys": "keys/",
    "sources": ["bearer", "cookie"],
    "csrf": {"token": "fallback"},
    "access": {
        "public": ["GET /", "GET /static/{rest...}"],
        "rules": [{"path": "/admin/{rest...}", "schemes": ["cookie"]}],
    },
}
SAFECONDUCT_DIRECTORY = "safeconduct.django.DjangoDirectory"
LOGIN_URL = "/auth/sign-in"
INSTALLED_APPS = [
    "safeconduct.django",
    "safeconduct.django.admin.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
]
MIDDLEWARE = [
    "safeconduct.django.SafeconductMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["safeconduct.django.rest_framework.SafeconductAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["safeconduct.django.rest_framework.HasScope"],
}

# The rest is that of a new project.
SECRET_KEY = "for development only"  # noqa: S105 - a real project reads it from the environment
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "shop.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "safeconduct.django.context_processors.identity",
            ]
        },
    }
]
STATIC_URL = "static/"
