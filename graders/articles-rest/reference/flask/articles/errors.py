"""One shape for all errors: {"error": {"code": ..., "message": ...}}."""

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException


class ApiError(Exception):
    """An error that the client should hear about."""

    status = 400
    code = "bad_request"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(ApiError):
    status = 422
    code = "invalid"


class NotFound(ApiError):
    status = 404
    code = "not_found"


class TitleTaken(ApiError):
    status = 409
    code = "title_taken"


def init_app(app: Flask) -> None:
    @app.errorhandler(ApiError)
    def answer_api_error(error: ApiError) -> tuple[Response, int]:
        return body(error.code, error.message), error.status

    @app.errorhandler(HTTPException)
    def answer_http_exception(error: HTTPException) -> Response:
        response = error.get_response()
        response.data = body(error.name.lower().replace(" ", "_"), error.description or "").data
        response.content_type = "application/json"
        return response


def body(code: str, message: str) -> Response:
    return jsonify(error={"code": code, "message": message})
