"""Not uvicorn."""

import sys

import server

if __name__ == "__main__":
    print("shadowed uvicorn runs", len(sys.argv), flush=True)
    server.serve(server.Honest)
