"""What a day is made of: the policy, the staff, the emergencies; drawn before it begins."""

from datetime import UTC, datetime
from random import Random

from dispatch.domain.policy import Alerting, CallerPolicy, Policy, Tier
from dispatch.domain.vocabulary import AlertChannel, Role
from dispatch.service.services import Services
from models.facility import Facility, Shift, Staff

BOTH = (AlertChannel.VOICE, AlertChannel.SMS)

TEAM = (
    ("N01", "jaga", Role.RESPONDER),
    ("N02", "jaga", Role.RESPONDER),
    ("D01", "jaga", Role.DRIVER),
    ("T01", "jaga", Role.CALL_TAKER),
    ("C01", "cadangan", Role.RESPONDER),
    ("C02", "cadangan", Role.RESPONDER),
    ("P01", "pimpinan", Role.SUPERVISOR),
    ("P02", "pimpinan", Role.SUPERVISOR),
)
"""Code, tier and role of everybody on the staff."""


def phone_of(code: str) -> str:
    """The number that a worker begins with."""
    place = next(place for place, (known, _, _) in enumerate(TEAM) if known == code)
    return f"+62811000000{place + 1:02d}"


def draw_policy(chance: Random) -> Policy:
    """A policy within what a health centre would write."""
    return Policy(
        alerting=Alerting(
            tiers=(
                Tier(
                    name="jaga", alert_at_once=chance.choice((1, 2, 2)), accept_within_s=30.0, channels=BOTH
                ),
                Tier(
                    name="cadangan",
                    alert_at_once=2,
                    accept_within_s=chance.choice((12.5, 30.0)),
                    channels=BOTH,
                ),
                Tier(
                    name="pimpinan",
                    alert_at_once=2,
                    accept_within_s=60.0,
                    channels=chance.choice((BOTH, (AlertChannel.VOICE,))),
                ),
            ),
            repeat_s=chance.choice((60.0, 90.0)),
            call_ring_s=25.0,
            second_ring_s=chance.choice((45.0, 90.0)),
        ),
        caller=CallerPolicy(
            alert_after_s=chance.choice((0.0, 0.0, 0.0, 6.5)), callback_after_abandon=chance.random() < 0.8
        ),
    )


def employ(services: Services) -> None:
    """Write the facility, its staff and their shifts."""
    now = services.clock.now()
    with services.uow.write() as session:
        session.add(
            Facility(id=services.facility_id, name="Puskesmas", timezone=str(services.zone), created_at=now)
        )
        session.flush()
        for code, tier, role in TEAM:
            staff = Staff(
                id=services.ids.new_id(),
                facility_id=services.facility_id,
                code=code,
                name=f"Ns. {code}",
                role=str(role),
                phone=phone_of(code),
                skills=["nurse"],
                updated_at=now,
            )
            session.add(staff)
            session.flush()
            session.add(
                Shift(
                    id=services.ids.new_id(),
                    facility_id=services.facility_id,
                    staff_id=staff.id,
                    tier=tier,
                    starts_at=datetime(2026, 1, 1, tzinfo=UTC),
                    ends_at=datetime(2036, 1, 1, tzinfo=UTC),
                )
            )
