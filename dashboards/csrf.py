"""Whether a form was sent from a page of ours (cross-site request forgery).

Forms of a session carry that session's token (``dashboards.sessions``). Where there is no session (the
log-in, a worker's page) the browser's own statement of origin is judged. Programs that are no browsers state
none.
"""

from urllib.parse import urlsplit

from starlette.requests import Request


def comes_from_elsewhere(request: Request, public_url: str) -> bool:
    """Whether the browser says that another site sent this request.

    ``Sec-Fetch-Site`` is missing on plain http in a local network, so ``Origin`` is compared as well; our
    pages ask for ``Referrer-Policy: same-origin`` because with ``no-referrer`` a browser sends ``Origin:
    null``.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc not in (request.headers.get("host"), urlsplit(public_url).netloc)
