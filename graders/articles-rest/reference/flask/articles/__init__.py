"""The articles service."""

import os
from pathlib import Path

from flask import Flask

from . import api, errors, store


def create_app() -> Flask:
    app = Flask(__name__)
    app.json.ensure_ascii = False
    data_dir = Path(os.environ.get("DATA_DIR", "data"))
    app.config["DATABASE"] = data_dir / "articles.sqlite3"
    store.init_app(app)
    errors.init_app(app)
    app.register_blueprint(api.blueprint)
    return app
