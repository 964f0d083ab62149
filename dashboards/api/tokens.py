"""Bearer tokens: made once, kept as their SHA-256, worth nothing once ``revoked_at`` is set.

Decides whether a token is good and whose it is; what its role may do is ``dashboards.api.access``.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from dashboards.trail import PROGRAM_ADDED
from dispatch.domain.vocabulary import UserRole
from dispatch.service.services import Services
from models.access import ApiToken
from models.record import Audit

PREFIX = "siaga_"
"""Lets a leaked token be recognised for what it is."""

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
