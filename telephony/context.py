"""What the telephone side needs, put together once by ``config.wiring``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from dispatch.service.roster_keeping import RosteredPhone
from dispatch.service.services import Services
from telephony.addresses import PublicAddresses
from telephony.journal import Journal
from telephony.prompts import Prompts

RUNG_AT_ONCE = 10
"""A provider rings no more numbers at the same time."""


@dataclass(slots=True)
class DutyPhones:
    """The numbers that ring when the program cannot help; refreshed by the engine, kept in memory."""

    static: Sequence[str]
    handoff: str
    today: Sequence[str] = ()
    """Who was on duty when the database was read last."""
    shifts: Sequence[RosteredPhone] = ()
    """Whose shift went on then, or comes afterwards: an outage may outlast a change of shifts."""

    def numbers(self, at: datetime) -> list[str]:
        """Those on duty at *at* first, then the facility's own, each once.

        When nobody's shift is known to cover *at*, everybody is rung who is known at all.
        """
        on_duty = [shift.phone for shift in self.shifts if shift.covers(at)]
        if on_duty:
            return rung_at_once(on_duty, self.static)
        return rung_at_once(self.today, self.static, [shift.phone for shift in self.shifts])


def rung_at_once(*groups: Sequence[str]) -> list[str]:
    """The phones of all *groups* in their order, each once, no more than ring at the same time."""
    return list(dict.fromkeys(chain(*groups)))[:RUNG_AT_ONCE]


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephonyContext:
    """The tools of the webhooks. ``auth_tokens`` maps a provider's name to the key of its signatures."""

    services: Services
    addresses: PublicAddresses
    prompts: Prompts
    phones: DutyPhones
    journal: Journal
    provider: str
    auth_tokens: Mapping[str, str] = field(default_factory=dict)
    service_number: str
