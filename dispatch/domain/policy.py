"""The policy: who is alerted when, and for how long (CONTRACT 5).

Plain values without behaviour. ``config.policy`` reads and checks the file; a copy is frozen onto each
incident when it opens, so that editing the file never changes a running emergency.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import orjson

from dispatch.domain.vocabulary import AlertChannel

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One rung of the ladder: the people on duty in the roster under this name."""

    name: str
    alert_at_once: int
    accept_within_s: float
    channels: tuple[AlertChannel, ...] = (AlertChannel.VOICE, AlertChannel.SMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """How the ladder is climbed; seconds may be fractions."""

    tiers: tuple[Tier, ...]
    repeat_s: float = 60.0
    call_ring_s: float = 25.0
    second_ring_s: float = 90.0
    """A silent phone is rung a second time this long after the first: under three minutes, phones let a
    repeated caller through Do Not Disturb (DESIGN 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerPolicy:
    """What happens to the caller."""

    alert_after_s: float = 0.0
    menu_timeout_s: float = 5.0
    callback_after_abandon: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """How long the personal web addresses live."""

    worker_s: float = 86400.0
    caller_s: float = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """How a distance as the crow flies becomes minutes; local assumptions, not a standard."""

    detour_factor: float = 1.4
    speed_kmh: float = 25.0
    zone_speed_kmh: Mapping[str, float] = field(default_factory=dict)
    """Speed by name of district, where it differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole policy file."""

    alerting: Alerting
    caller: CallerPolicy = field(default_factory=CallerPolicy)
    links: Links = field(default_factory=Links)
    travel: Travel = field(default_factory=Travel)


def to_data(policy: Policy) -> JsonObject:
    """The policy as JSON, for the incident's row and its log."""
    alerting = policy.alerting
    return {
        "alerting": {
            "repeat_s": _short(alerting.repeat_s),
            "call_ring_s": _short(alerting.call_ring_s),
            "second_ring_s": _short(alerting.second_ring_s),
            "tier": [
                {
                    "name": tier.name,
                    "alert_at_once": tier.alert_at_once,
                    "accept_within_s": _short(tier.accept_within_s),
                    "channels": [str(channel) for channel in tier.channels],
                }
                for tier in alerting.tiers
            ],
        },
        "caller": {
            "alert_after_s": _short(policy.caller.alert_after_s),
            "menu_timeout_s": _short(policy.caller.menu_timeout_s),
            "callback_after_abandon": policy.caller.callback_after_abandon,
        },
        "links": {"worker_s": _short(policy.links.worker_s), "caller_s": _short(policy.links.caller_s)},
        "travel": {
            "detour_factor": _short(policy.travel.detour_factor),
            "speed_kmh": _short(policy.travel.speed_kmh),
            "zone_speed_kmh": {zone: _short(speed) for zone, speed in policy.travel.zone_speed_kmh.items()},
        },
    }


def _short(number: float) -> float:
    """30 for 30.0, as RFC 8785 spells it: nothing needs to be copied for the hash."""
    whole = int(number)
    return whole if whole == number else number


def from_data(data: Mapping[str, object]) -> Policy:
    """The inverse of :func:`to_data`, for a policy frozen earlier; trusts its shape."""
    return _parsed(orjson.dumps(data))


@lru_cache(maxsize=64)
def _parsed(written: bytes) -> Policy:
    """Most incidents keep the same one, and reading it costs more than comparing it."""
    data = cast("JsonObject", orjson.loads(written))
    alerting = cast("JsonObject", data["alerting"])
    tiers = tuple(
        Tier(
            name=cast("str", tier["name"]),
            alert_at_once=cast("int", tier["alert_at_once"]),
            accept_within_s=cast("float", tier["accept_within_s"]),
            channels=tuple(AlertChannel(channel) for channel in cast("list[str]", tier["channels"])),
        )
        for tier in cast("list[JsonObject]", alerting["tier"])
    )
    return Policy(
        alerting=Alerting(
            tiers=tiers,
            repeat_s=cast("float", alerting["repeat_s"]),
            call_ring_s=cast("float", alerting["call_ring_s"]),
            second_ring_s=cast("float", alerting["second_ring_s"]),
        ),
        caller=CallerPolicy(**cast("dict[str, float]", data["caller"])),  # type: ignore[arg-type] # one is a bool
        links=Links(**cast("dict[str, float]", data["links"])),
        travel=Travel(**cast("dict[str, float]", data["travel"])),  # type: ignore[arg-type] # one is a mapping
    )
