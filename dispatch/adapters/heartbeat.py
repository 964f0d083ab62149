"""The sign of life for whoever watches from outside: one GET to an address of theirs.

Carries nothing but itself. Never follows the program's state, never repeats: the next minute does.
"""

import httpx

from dispatch.ports import HeartbeatError
from models.unit_of_work import refuse_inside_transaction

CONNECT_S = 3.0
ANSWER_S = 5.0


class HttpHeartbeat:
    """Asks one web address, and looks at nothing but the status of the answer."""

    def __init__(self, url: str, *, answer_s: float = ANSWER_S) -> None:
        """Keep the address; it may hold a secret, so it is never in a message."""
        self._url = url
        self._timeout = httpx.Timeout(answer_s, connect=CONNECT_S)

    def beat(self) -> None:
        """Send one sign.

        Raises:
            HeartbeatError: it did not arrive; the reason is without the address.
        """
        refuse_inside_transaction("the heartbeat")
        headers = {"User-Agent": "siaga911"}
        try:
            # Only the head of the answer is waited for; what the other side says beyond it is its business.
            with httpx.stream("GET", self._url, timeout=self._timeout, headers=headers) as answer:
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise HeartbeatError(type(error).__name__) from error
        if status >= 400:
            raise HeartbeatError(f"status {status}")
