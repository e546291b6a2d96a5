"""A correct service with Flask."""

from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/health")
def health():
    return {"ok": True}


@app.get("/echo/<word>")
def echo(word):
    return {"word": word}


@app.get("/numbers")
def numbers():
    return jsonify(list(range(request.args.get("size", type=int))))


@app.post("/sum")
def add():
    given = request.get_json()
    return {"sum": given["one"] + given["other"]}
