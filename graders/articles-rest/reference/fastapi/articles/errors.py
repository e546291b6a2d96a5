"""One shape for all errors: {"error": {"code": ..., "message": ...}}."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException


class ErrorDetail(BaseModel):
    code: str
    message: str


class Error(BaseModel):
    error: ErrorDetail


class ApiError(Exception):
    """An error that the client should hear about."""

    status = 400
    code = "bad_request"


class NotFound(ApiError):
    status = 404
    code = "not_found"


class TitleTaken(ApiError):
    status = 409
    code = "title_taken"


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can end in these statuses."""
    return {status: {"model": Error} for status in statuses}


def install(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def answer_api_error(_request: Request, error: ApiError) -> JSONResponse:
        return _answer(error.status, error.code, str(error))

    @app.exception_handler(RequestValidationError)
    async def answer_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return _answer(422, "invalid", f"{place}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def answer_http_exception(_request: Request, error: HTTPException) -> JSONResponse:
        code = str(error.detail).lower().replace(" ", "_")
        return _answer(error.status_code, code, str(error.detail), error.headers)


def _answer(status: int, code: str, message: str, headers: Any = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
