"""Middleware of the site's own."""

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # the base class is published without types
    """WhiteNoise under ASGI.

    WhiteNoise answers with a synchronous iterator, which Django would have to drain in
    a thread, with a warning, under ASGI. Static files are small, so they are read whole.
    """

    def add_files(self, root: str | Path, prefix: str | None = None) -> None:
        """As WhiteNoise, but a folder that was not collected yet is no warning."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        answer = static_file.get_response(request.method, request.META)
        body = b""
        if answer.file is not None:
            with answer.file as file:
                body = file.read()
        response = HttpResponse(body, status=int(answer.status))
        del response["content-type"]
        for name, value in answer.headers:
            response[name] = value
        return response
