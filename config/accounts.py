"""Adds people who may log in (CONTRACT 1, 7).

Decides what a name and a password must be; only the password's argon2 hash is kept. Tokens of programs are
made in ``dashboards.api.tokens``.
"""

import re
from dataclasses import dataclass

from sqlalchemy import select

from dashboards.passwords import hash_password
from dashboards.trail import USER_ADDED
from dispatch.domain.vocabulary import UserRole
from dispatch.ports import Clock, IdSource
from models.access import User
from models.facility import Staff
from models.record import Audit
from models.unit_of_work import UnitOfWork

PASSWORD_LENGTH_MIN = 8

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class AccountRefusedError(Exception):
    """The user cannot be added; the message says why."""


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
        if len(password) < PASSWORD_LENGTH_MIN:
            raise AccountRefusedError(f"the password needs at least {PASSWORD_LENGTH_MIN} characters")
        # Outside the transaction: hashing is slow on purpose.
        password_hash = hash_password(password)
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
            session.add(
                Audit(
                    id=self.ids.new_id(),
                    facility_id=self.facility_id,
                    at=now,
                    actor=self.actor,
                    action=USER_ADDED,
                    subject=f"user:{username}",
                    data={"role": str(role)},
                )
            )

    def has_user(self, username: str) -> bool:
        """Whether somebody has this name already."""
        with self.uow.read() as session:
            return session.scalar(select(User.id).where(User.username == username)) is not None
