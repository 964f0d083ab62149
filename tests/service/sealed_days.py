"""Two days of a small health centre, each with its seal."""

from datetime import date

from sqlalchemy import text

from dispatch.domain.commands import Action
from dispatch.domain.vocabulary import Outcome
from dispatch.service import sealing
from dispatch.service.sealing import Sealer
from tests.fakes.seal_keys import FakeSealKeys
from tests.world import World

FIRST, SECOND, THIRD = "KWK-2026-000100", "KWK-2026-000101", "KWK-2026-000102"
DAY, NEXT = date(2026, 11, 23), date(2026, 11, 24)
DAY_S = 86_400.0
AFTER_MIDNIGHT_S = DAY_S / 2 + sealing.GRACE.total_seconds()
"""From noon, at which a world begins."""


def live_two_days(world: World) -> None:
    """Three emergencies and an operator's text on the first day, a note on the second; both days sealed."""
    for n in (1, 2, 3):
        world.resident(f"+62811999900{n}").rings(f"CA-{n}")
    for incident in world.incidents():
        world.desk(incident.id, Action.NOTE, text="pagar biru")
        world.desk(incident.id, Action.NOTE, text="dua orang")
    world.desk(world.incidents()[0].id, Action.CLOSE, outcome=Outcome.ADVICE, reason="sudah ditolong")
    world.resident(None).texts("Pulsa Anda habis")
    world.hand.advance(AFTER_MIDNIGHT_S)
    keys = FakeSealKeys()
    Sealer(world.services, keys).seal_due()
    world.desk(world.incidents()[0].id, Action.NOTE, text="sudah sadar")
    world.hand.advance(DAY_S)
    Sealer(world.services, keys).seal_due()
    assert world.findings() == []


def by_hand(world: World, *statements: object) -> None:
    """Somebody with the database's own tools, who knows how to switch checks off."""
    engine = world.uow.engine
    off, on = (
        ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON")
        if engine.dialect.name == "sqlite"
        else ("SET session_replication_role = replica", "SET session_replication_role = DEFAULT")
    )
    with engine.connect() as connection:
        connection.execute(text(off))
        connection.commit()
        for statement in statements:
            if callable(statement):
                statement(connection)
            else:
                connection.execute(text(statement) if isinstance(statement, str) else statement)  # type: ignore[call-overload] # a statement of this module
        connection.commit()
        connection.execute(text(on))
        connection.commit()
