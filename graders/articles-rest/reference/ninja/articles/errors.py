"""One shape for all errors: {"error": {"code": ..., "message": ...}}."""

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError


class ErrorDetail(Schema):
    code: str
    message: str


class Error(Schema):
    error: ErrorDetail


class TitleTaken(Exception):
    """Another article has this title."""


def install(api: NinjaAPI) -> None:
    def answer(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
        body = {"error": {"code": code, "message": message}}
        return api.create_response(request, body, status=status)

    @api.exception_handler(Http404)
    def answer_not_found(request: HttpRequest, _error: Http404) -> HttpResponse:
        return answer(request, 404, "not_found", "There is no such article.")

    @api.exception_handler(TitleTaken)
    def answer_title_taken(request: HttpRequest, _error: TitleTaken) -> HttpResponse:
        return answer(request, 409, "title_taken", "Another article has this title.")

    @api.exception_handler(ValidationError)
    def answer_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        first = error.errors[0]
        place = ".".join(str(part) for part in first["loc"])
        return answer(request, 422, "invalid", f"{place}: {first['msg']}")

    @api.exception_handler(HttpError)
    def answer_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
        return answer(request, error.status_code, "bad_request", str(error))
