"""Bearer tokens: made once, kept as their SHA-256, worth nothing once ``revoked_at`` is set.

Decides whether a token is good and whose it is; what its role may do is ``dashboards.api.access``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select, update

from dashboards.trail import PROGRAM_ADDED
from dispatch.domain.vocabulary import UserRole
from dispatch.service.services import Services
from models.access import ApiToken
from models.record import Audit

PREFIX = "siaga_"
"""Lets a leaked token be recognised for what it is."""

TOKEN_REVOKED: Final = "token.revoked"  # noqa: S105 - the name of an act

USE_NOTED_EVERY = timedelta(minutes=1)
"""``last_used_at`` finds forgotten tokens; a write for every read would queue before the telephone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The program that asks."""

    token_id: str
    name: str
    role: UserRole

    @property
    def actor(self) -> str:
        """How the record names it."""
        return f"token:{self.name}"[:80]


def token_hash(token: str) -> str:
    """What is kept of a token. It is long and random: a slow hash would add nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def create_token(services: Services, *, role: UserRole, name: str, actor: str) -> str:
    """Make a token in the name of *actor* and return it; it cannot be read again.

    A line of the audit trail says that it was made, for whom and with which role.

    Raises:
        ValueError: the name is empty or longer than 80 characters.
    """
    name = name.strip()
    if not 1 <= len(name) <= 80:
        raise ValueError("a token's name has 1 to 80 characters")
    token = f"{PREFIX}{services.ids.token()}{services.ids.token()}"
    now = services.clock.now()
    with services.uow.write() as session:
        session.add(
            ApiToken(
                id=services.ids.new_id(),
                facility_id=services.facility_id,
                name=name,
                role=str(role),
                token_hash=token_hash(token),
                created_at=now,
            )
        )
        session.add(
            Audit(
                id=services.ids.new_id(),
                facility_id=services.facility_id,
                at=now,
                actor=actor[:80],
                action=PROGRAM_ADDED,
                subject=f"token:{name}"[:80],
                data={"role": str(role)},
            )
        )
    return token


class UnknownTokenError(Exception):
    """No token that is still good bears this name or identifier."""


def all_tokens(services: Services) -> Sequence[ApiToken]:
    """Every token that was ever made, newest first; none of them can be read again."""
    query = (
        select(ApiToken)
        .where(ApiToken.facility_id == services.facility_id)
        .order_by(ApiToken.created_at.desc(), ApiToken.id)
    )
    with services.uow.read() as session:
        return session.scalars(query).all()


def revoke(services: Services, wanted: str, *, actor: str) -> Sequence[ApiToken]:
    """Make tokens worth nothing from now on: the one with this identifier, or all of this name.

    All of a name, because whoever takes a leaked one away must not leave its twin.

    Raises:
        UnknownTokenError: there is none that is still good.
    """
    now = services.clock.now()
    good = select(ApiToken).where(ApiToken.facility_id == services.facility_id, ApiToken.revoked_at.is_(None))
    with services.uow.write() as session:
        found = session.scalars(good.where(ApiToken.id == wanted).with_for_update()).all()
        found = found or session.scalars(good.where(ApiToken.name == wanted).with_for_update()).all()
        if not found:
            raise UnknownTokenError(wanted)
        for token in found:
            token.revoked_at = now
            session.add(
                Audit(
                    id=services.ids.new_id(),
                    facility_id=services.facility_id,
                    at=now,
                    actor=actor,
                    action=TOKEN_REVOKED,
                    subject=f"token:{token.name}"[:80],
                    data={"token": token.id, "role": token.role},
                )
            )
        return found


def authenticate(services: Services, token: str) -> Caller | None:
    """Whose *token* this is; None when it is unknown or revoked."""
    now = services.clock.now()
    with services.uow.read() as session:
        row = session.scalar(
            select(ApiToken).where(
                ApiToken.token_hash == token_hash(token),
                ApiToken.facility_id == services.facility_id,
                ApiToken.revoked_at.is_(None),
            )
        )
    if row is None:
        return None
    if row.last_used_at is None or now - row.last_used_at >= USE_NOTED_EVERY:
        with services.uow.write() as session:
            session.execute(
                update(ApiToken)
                .where(ApiToken.id == row.id)
                .values(last_used_at=now)
                .execution_options(synchronize_session=False)
            )
    return Caller(token_id=row.id, name=row.name, role=UserRole(row.role))
