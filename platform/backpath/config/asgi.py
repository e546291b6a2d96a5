"""The ASGI application: `uvicorn --app-dir platform backpath.config.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

from backpath.config.body_limit import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backpath.config.settings")

application = BodyLimit(get_asgi_application())
