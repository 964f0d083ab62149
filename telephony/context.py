"""What the telephone side needs, put together once by ``config.wiring``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dispatch.service.services import Services
from telephony.addresses import PublicAddresses
from telephony.journal import Journal
from telephony.prompts import Prompts


@dataclass(slots=True)
class DutyPhones:
    """The numbers that ring when the program cannot help; refreshed by the engine, kept in memory."""

    static: Sequence[str]
    handoff: str
    today: Sequence[str] = ()

    def numbers(self) -> list[str]:
        """Those on duty first, then the facility's own, each once; a provider rings at most ten at once."""
        return list(dict.fromkeys([*self.today, *self.static]))[:10]


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
