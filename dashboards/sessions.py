"""Who is logged in, carried in a signed cookie, and the token that every form of that session holds.

The cookie names a user and an epoch; raising the epoch in the user's row ends every session of that user.
Decides nothing about passwords or roles.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.responses import Response

SESSION_LIFE = timedelta(hours=12)
COOKIE = "siaga_session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What the cookie says; ``nonce`` makes the form token differ from session to session."""

    user_id: str
    epoch: int
    nonce: str
    issued_at: datetime


class SessionCookies:
    """Writes and reads the session cookie, and the form tokens that belong to it."""

    def __init__(self, secret_key: str, *, secure: bool) -> None:
        """Sign with *secret_key*; *secure* keeps the cookie to https."""
        self._sessions = URLSafeSerializer(secret_key, salt="siaga.session")
        self._forms = URLSafeSerializer(secret_key, salt="siaga.form")
        self._secure = secure

    def dump(self, session: Session) -> str:
        """The cookie's value."""
        return str(
            self._sessions.dumps(
                [session.user_id, session.epoch, session.nonce, int(session.issued_at.timestamp())]
            )
        )

    def load(self, value: str | None, *, now: datetime) -> Session | None:
        """The session in a cookie; None when there is none, it was tampered with, or it is over."""
        if not value:
            return None
        try:
            user_id, epoch, nonce, issued_s = self._sessions.loads(value)
            issued_at = datetime.fromtimestamp(int(issued_s), tz=now.tzinfo)
        except (BadSignature, ValueError, TypeError):
            return None
        if not issued_at <= now + timedelta(minutes=1) or now >= issued_at + SESSION_LIFE:
            return None
        return Session(user_id=str(user_id), epoch=int(epoch), nonce=str(nonce), issued_at=issued_at)

    def form_token(self, session: Session) -> str:
        """The token that stands in every form of this session."""
        return str(self._forms.dumps(session.nonce))

    def form_is_ours(self, session: Session, token: str) -> bool:
        """Whether a form was rendered for this very session."""
        return hmac.compare_digest(self.form_token(session).encode(), token.encode())

    def put(self, response: Response, session: Session) -> None:
        """Set the cookie; SameSite=Lax, so that a link in a text message still finds the log-in."""
        response.set_cookie(
            COOKIE,
            self.dump(session),
            max_age=int(SESSION_LIFE.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def clear(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(COOKIE, path="/", secure=self._secure, httponly=True, samesite="lax")
