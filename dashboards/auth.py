"""Logging in and out, and who a request comes from.

Failed attempts slow an account down, never for good: somebody who knows a user's name must not be able to
keep a dispatcher away from the board for long. Every attempt leaves a line in the audit trail. Decides
nothing about what a role may see.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from starlette.requests import HTTPConnection

from dashboards import trail
from dashboards.context import PagesContext
from dashboards.passwords import password_matches
from dashboards.sessions import COOKIE, Session, SessionCookies
from dispatch.domain.vocabulary import UserRole
from models.access import User

FREE_ATTEMPTS = 5
FIRST_WAIT_S = 5
LONGEST_WAIT_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A user with a valid session."""

    user_id: str
    username: str
    role: UserRole
    staff_id: str | None
    session: Session

    @property
    def actor(self) -> str:
        """How the record and the audit trail name this person."""
        return f"user:{self.username}"

    @property
    def sees_numbers(self) -> bool:
        """Whether callers' numbers are shown unmasked (CONTRACT 7)."""
        return self.role in (UserRole.ADMIN, UserRole.DISPATCHER)

    @property
    def may_act(self) -> bool:
        """Whether this person may change an incident."""
        return self.role in (UserRole.ADMIN, UserRole.DISPATCHER)


def wait_after(failures: int) -> timedelta | None:
    """How long an account refuses after *failures* wrong passwords: 5 s, doubling, at most 5 minutes."""
    if failures < FREE_ATTEMPTS:
        return None
    doublings = min(failures - FREE_ATTEMPTS, 10)
    return timedelta(seconds=min(FIRST_WAIT_S * 2**doublings, LONGEST_WAIT_S))


class Auth:
    """Log-in, log-out and the present user, over one database."""

    def __init__(self, ctx: PagesContext) -> None:
        """Take clock, database and secret from *ctx*."""
        self._ctx = ctx
        self.cookies = SessionCookies(ctx.secret_key, secure=ctx.public_url.startswith("https:"))

    def current_user(self, connection: HTTPConnection) -> SignedIn | None:
        """Whoever sent this request, if their session is still good."""
        session = self.cookies.load(connection.cookies.get(COOKIE), now=self._ctx.clock.now())
        if session is None:
            return None
        with self._ctx.uow.read() as db:
            user = db.get(User, session.user_id)
        if user is None or not user.is_active or user.session_epoch != session.epoch:
            return None
        return _signed_in(user, session)

    def log_in(self, username: str, password: str, *, address: str) -> SignedIn | None:
        """Check a password; *address* is the machine it came from, for the audit trail.

        None for a wrong password, an unknown name and an account that waits alike: more would tell a stranger
        which names exist.
        """
        name = username.replace("\x00", "").strip()[:64]
        by_name = select(User).where(User.username == name)
        with self._ctx.uow.read() as db:
            known = db.scalar(by_name)
        # Outside any transaction: hashing is slow on purpose, and the writer is shared with the telephone.
        usable = known if known is not None and known.is_active else None
        matches = password_matches(password[:1024], None if usable is None else usable.password_hash)
        now = self._ctx.clock.now()
        with self._ctx.uow.write() as db:
            user = None if usable is None else db.scalar(by_name.with_for_update())
            locked = user is not None and user.locked_until is not None and user.locked_until > now
            succeeded = matches and not locked
            trail.note(
                db,
                self._ctx,
                at=now,
                actor=f"user:{name}" if user is not None else "unknown",
                action=trail.LOGGED_IN if succeeded else trail.LOGIN_FAILED,
                subject=f"user:{name}" if user is not None else "unknown",
                details={"address": address, "locked": locked},
            )
            if user is None or locked:
                # A refusal while waiting does not lengthen the wait.
                return None
            if not succeeded:
                user.failed_count += 1
                wait = wait_after(user.failed_count)
                user.locked_until = None if wait is None else now + wait
                return None
            user.failed_count = 0
            user.locked_until = None
            user.last_login_at = now
            session = Session(
                user_id=user.id, epoch=user.session_epoch, nonce=self._ctx.ids.token(), issued_at=now
            )
            return _signed_in(user, session)

    def log_out(self, user: SignedIn) -> None:
        """End every session of *user*: a copied cookie is worth nothing afterwards."""
        with self._ctx.uow.write() as db:
            row = db.get(User, user.user_id, with_for_update=True)
            if row is not None:
                row.session_epoch += 1
            trail.note(
                db,
                self._ctx,
                at=self._ctx.clock.now(),
                actor=user.actor,
                action=trail.LOGGED_OUT,
                subject=user.actor,
            )


def _signed_in(user: User, session: Session) -> SignedIn:
    return SignedIn(
        user_id=user.id,
        username=user.username,
        role=UserRole(user.role),
        staff_id=user.staff_id,
        session=session,
    )
