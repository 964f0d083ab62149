"""A visitor of the pages: sends requests straight into the application and keeps its cookies."""

import asyncio
import re
from collections.abc import Mapping

import httpx
from fastapi import FastAPI

BASE = "http://127.0.0.1:8911"
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


class Visitor:
    """One browser of one person; never follows a redirect by itself."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.cookies = httpx.Cookies()

    def send(self, method: str, path: str, **kwargs: object) -> httpx.Response:
        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE, cookies=self.cookies) as client:
                response = await client.request(method, path, **kwargs)  # type: ignore[arg-type] # passed on
                self.cookies = client.cookies
                return response

        return asyncio.run(exchange())

    def opens(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.send("GET", path, headers=dict(headers or {}))

    def posts(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return self.send("POST", path, data=dict(fields), headers=dict(headers or {}))

    def logs_in(self, username: str, password: str = "rahasia-sekali") -> httpx.Response:
        return self.posts("/login", {"username": username, "password": password})

    def form_token(self, path: str = "/roster") -> str:
        """The token in the forms of the session, read from a page as a browser would."""
        found = _FORM_TOKEN.search(self.opens(path).text)
        assert found is not None
        return found[1]

    def submits(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of ours, token included."""
        return self.posts(path, {"form_token": self.form_token(), **fields})
