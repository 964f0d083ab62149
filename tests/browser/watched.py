"""A browser window in which everything that a page may not do is written down.

Errors on the console (a breach of the Content-Security-Policy is one), scripts that fail, requests to another
host, answers that say that something is wrong. Also looks at a page: accessibility, and its width on a phone.
"""

from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}

_OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_axe = Axe()


class Watched:
    """One window of one person, with a session of its own."""

    def __init__(self, browser: Browser, url: str, *, on_a_phone: bool = False) -> None:
        """Open an empty window on the site at *url*."""
        self._host = urlsplit(url).netloc
        self.complaints: list[str] = []
        self._context = browser.new_context(
            base_url=url,
            viewport=PHONE if on_a_phone else WIDE,
            locale="id-ID",
            timezone_id="Asia/Jayapura",
        )
        self.page = self._watch(self._context.new_page())

    def another(self) -> Page:
        """A further window of the same person."""
        return self._watch(self._context.new_page())

    def looks_at(self, page: Page) -> None:
        """Complain of what keeps people out of this page, wide as a desk and narrow as a phone."""
        where = urlsplit(page.url).path
        found = _axe.run(page)
        self.complaints += [
            f"{where}: {violation['id']}: {violation['help']}: {node['target']}"
            for violation in found.response["violations"]
            for node in violation["nodes"]
        ]
        size = page.viewport_size
        page.set_viewport_size(PHONE)
        overflow = page.evaluate(_OVERFLOW)
        if overflow > 0:
            self.complaints.append(f"{where}: {overflow} px wider than a phone")
        if size is not None:
            page.set_viewport_size(size)

    def close(self) -> None:
        self._context.close()

    def _watch(self, page: Page) -> Page:
        page.set_default_timeout(20_000)
        page.on("console", self._heed_console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._heed_request)
        page.on("response", self._heed_response)
        return page

    def _heed_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text}")

    def _heed_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.netloc != self._host:
            self.complaints.append(f"request to another host: {request.url}")

    def _heed_response(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")
