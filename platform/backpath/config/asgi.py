"""The ASGI application: `uvicorn --app-dir platform backpath.config.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backpath.config.settings")

application = get_asgi_application()
