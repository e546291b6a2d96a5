"""A shelf of books, kept in memory."""

from itertools import count

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, Field

app = FastAPI()
books: dict[int, "Book"] = {}
numbers = count(1)


class Draft(BaseModel):
    title: str = Field(min_length=1, max_length=200)
    year: int = Field(ge=0, le=2200)
    tags: list[str] = []


class Change(BaseModel):
    title: str | None = Field(default=None, min_length=1, max_length=200)
    year: int | None = Field(default=None, ge=0, le=2200)
    tags: list[str] | None = None


class Book(Draft):
    id: int


class Page(BaseModel):
    items: list[Book]
    total: int


def find(number: int) -> Book:
    if number not in books:
        raise HTTPException(404, f"There is no book {number}.")
    return books[number]


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/books")
def list_books(tag: str | None = None) -> Page:
    found = [book for book in books.values() if tag is None or tag in book.tags]
    return Page(items=found, total=len(found))


@app.post("/books", status_code=201)
def add_book(draft: Draft, response: Response) -> Book:
    book = Book(id=next(numbers), **draft.model_dump())
    books[book.id] = book
    response.headers["Location"] = f"/books/{book.id}"
    return book


@app.get("/books/{number}")
def read_book(number: int) -> Book:
    return find(number)


@app.put("/books/{number}")
def replace_book(number: int, draft: Draft) -> Book:
    find(number)
    books[number] = Book(id=number, **draft.model_dump())
    return books[number]


@app.patch("/books/{number}")
def change_book(number: int, change: Change) -> Book:
    books[number] = find(number).model_copy(update=change.model_dump(exclude_unset=True))
    return books[number]


@app.delete("/books/{number}", status_code=204)
def remove_book(number: int) -> None:
    find(number)
    del books[number]
