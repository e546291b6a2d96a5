"""Bring the database up to date, then serve."""

import os

import waitress
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    application = get_wsgi_application()
    call_command("migrate", interactive=False, verbosity=0)
    waitress.serve(application, host="127.0.0.1", port=int(os.environ["PORT"]))
