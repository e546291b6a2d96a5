"""A correct service with FastAPI."""

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Pair(BaseModel):
    one: int
    other: int


@app.get("/health")
def health():
    return {"ok": True}


@app.get("/echo/{word}")
def echo(word: str):
    return {"word": word}


@app.get("/numbers")
def numbers(size: int):
    return list(range(size))


@app.post("/sum")
def add(pair: Pair):
    return {"sum": pair.one + pair.other}
