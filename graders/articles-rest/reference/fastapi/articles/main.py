"""The articles service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from . import errors, routes
from .database import create_tables


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    create_tables()
    yield


app = FastAPI(title="Articles API", version="1.0.0", lifespan=lifespan)
errors.install(app)
app.include_router(routes.router)
