"""The two limits that webhook latency is compared with: the least that any program could do.

``/telephony/voice`` checks the provider's signature and returns a document of the program's own length;
``/durable/telephony/voice`` puts as many bytes as a new call writes into SQLite first, in one commit with the
same durability. Both are served with the program's own uvicorn settings. Started by ``bench.sites`` as a
process of its own.
"""

import argparse
import sqlite3
from pathlib import Path
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, Request, Response
from twilio.request_validator import RequestValidator

from bench.webhook import TOKEN
from config.serving import GRACE_S


def build_limits(*, public_url: str, file: Path, document_bytes: int, commit_bytes: int) -> FastAPI:
    """The application with both routes."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    validator = RequestValidator(TOKEN)
    shell = '<?xml version="1.0" encoding="UTF-8"?><Response><Say>{}</Say></Response>'
    document = shell.format("x" * max(0, document_bytes - len(shell) + 2))
    database = _database(file)
    content = b"x" * commit_bytes

    async def is_genuine(request: Request) -> bool:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        signature = request.headers.get("X-Twilio-Signature", "")
        return bool(validator.validate(public_url + request.url.path, form, signature))

    @app.post("/telephony/voice")
    async def bare(request: Request) -> Response:
        if not await is_genuine(request):
            return Response(status_code=403)
        return Response(document, media_type="application/xml")

    @app.post("/durable/telephony/voice")
    async def durable(request: Request) -> Response:
        if not await is_genuine(request):
            return Response(status_code=403)
        database.execute("INSERT INTO kept (content) VALUES (?)", (content,))
        return Response(document, media_type="application/xml")

    return app


def _database(file: Path) -> sqlite3.Connection:
    """Autocommit, so that each INSERT is one durable commit."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, content BLOB)")
    return database


def main() -> None:
    """Serve until told to stop."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--file", type=Path, required=True)
    arguments.add_argument("--document-bytes", type=int, required=True)
    arguments.add_argument("--commit-bytes", type=int, required=True)
    told = arguments.parse_args()
    app = build_limits(
        public_url=f"http://127.0.0.1:{told.port}",
        file=told.file,
        document_bytes=told.document_bytes,
        commit_bytes=told.commit_bytes,
    )
    # As config.serving runs the program.
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=told.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )


if __name__ == "__main__":
    main()
