"""Gives people a log-in and takes it away again (CONTRACT 1, 7).

Decides what a name and a password must be, and that whoever loses a log-in is out at once; only the
password's argon2 hash is kept. Tokens of programs are made in ``dashboards.api.tokens``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboards.passwords import hash_password
from dashboards.trail import USER_ADDED
from dispatch.domain.vocabulary import UserRole
from dispatch.ports import Clock, IdSource
from models.access import User
from models.facility import Staff
from models.record import Audit
from models.unit_of_work import UnitOfWork

PASSWORD_LENGTH_MIN = 8

USER_DISABLED: Final = "user.disabled"
USER_ENABLED: Final = "user.enabled"
PASSWORD_CHANGED: Final = "user.password_changed"  # noqa: S105 - the name of an act

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class AccountRefusedError(Exception):
    """That cannot be done with this user; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The users of one facility, changed in the name of *actor*."""

    uow: UnitOfWork
    ids: IdSource
    clock: Clock
    facility_id: str
    actor: str

    def add_user(
        self, username: str, password: str, role: UserRole, *, staff_code: str | None = None
    ) -> None:
        """Add a person who may log in; *staff_code* ties the log-in to a member of staff.

        Raises:
            AccountRefusedError: the name is taken or no name, the password is short, the code is nobody's.
        """
        if not _USERNAME.fullmatch(username):
            raise AccountRefusedError(
                f"{username!r} is no user name: letters, digits, dots, dashes, at most 64"
            )
        password_hash = _hash_of(password)
        now = self.clock.now()
        with self.uow.write() as session:
            if session.scalar(select(User.id).where(User.username == username)) is not None:
                raise AccountRefusedError(f"there is a user {username!r} already")
            staff_id = None
            if staff_code is not None:
                staff_id = session.scalar(
                    select(Staff.id).where(Staff.facility_id == self.facility_id, Staff.code == staff_code)
                )
                if staff_id is None:
                    raise AccountRefusedError(f"there is nobody with the staff code {staff_code!r}")
            session.add(
                User(
                    id=self.ids.new_id(),
                    facility_id=self.facility_id,
                    username=username,
                    password_hash=password_hash,
                    role=str(role),
                    staff_id=staff_id,
                    created_at=now,
                )
            )
            self._note(session, USER_ADDED, username, {"role": str(role)})

    def set_active(self, username: str, *, is_active: bool) -> bool:
        """Let somebody log in, or no longer; whether anything changed. Whoever may no longer is out at once.

        Raises:
            AccountRefusedError: there is no such user.
        """
        with self.uow.write() as session:
            user = self._user(session, username)
            if user.is_active == is_active:
                return False
            user.is_active = is_active
            # A session of before must not come back to life when the account does.
            user.session_epoch += 1
            self._note(session, USER_ENABLED if is_active else USER_DISABLED, username, {})
            return True

    def set_password(self, username: str, password: str) -> None:
        """Give a user another password; whoever is logged in with the old one is out at once.

        Raises:
            AccountRefusedError: there is no such user, or the password is short.
        """
        password_hash = _hash_of(password)
        with self.uow.write() as session:
            user = self._user(session, username)
            user.password_hash = password_hash
            user.session_epoch += 1
            # Whoever guessed at the old one must not keep its owner out any longer.
            user.failed_count = 0
            user.locked_until = None
            self._note(session, PASSWORD_CHANGED, username, {})

    def users(self) -> Sequence[User]:
        """Everybody who has or had a log-in, by name."""
        query = select(User).where(User.facility_id == self.facility_id).order_by(User.username)
        with self.uow.read() as session:
            return session.scalars(query).all()

    def has_user(self, username: str) -> bool:
        """Whether somebody has this name already."""
        with self.uow.read() as session:
            return session.scalar(select(User.id).where(User.username == username)) is not None

    def _user(self, session: Session, username: str) -> User:
        user = session.scalar(
            select(User)
            .where(User.facility_id == self.facility_id, User.username == username)
            .with_for_update()
        )
        if user is None:
            raise AccountRefusedError(f"there is no user {username!r}; siaga user list shows who there is")
        return user

    def _note(self, session: Session, action: str, username: str, data: Mapping[str, object]) -> None:
        session.add(
            Audit(
                id=self.ids.new_id(),
                facility_id=self.facility_id,
                at=self.clock.now(),
                actor=self.actor,
                action=action,
                subject=f"user:{username}",
                data=dict(data),
            )
        )


def _hash_of(password: str) -> str:
    """The hash to keep; taken outside of any transaction, as hashing is slow on purpose."""
    if len(password) < PASSWORD_LENGTH_MIN:
        raise AccountRefusedError(f"the password needs at least {PASSWORD_LENGTH_MIN} characters")
    return hash_password(password)
