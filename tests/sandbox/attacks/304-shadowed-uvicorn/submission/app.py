"""Never imported: the uvicorn beside it serves something else."""

raise SystemExit(1)
