"""Two days of a small health centre, each with its seal."""

from datetime import date

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
