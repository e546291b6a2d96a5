import fastapi
import flask

fastapi.serve_all()
