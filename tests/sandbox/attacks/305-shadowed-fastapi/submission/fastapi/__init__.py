"""Not FastAPI."""

import server


def serve_all():
    server.serve(server.Honest)
