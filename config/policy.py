"""Reads the policy file: who is alerted when (CONTRACT 5).

Decides which values are acceptable; what they mean is decided in ``dispatch.domain``. A running incident
never sees this file: it carries the policy that it opened with.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from config.files import DEFAULTS, FileRefusedError, FileShape, read_shape
from dispatch.domain.policy import Alerting, CallerPolicy, Links, Policy, Tier, Travel
from dispatch.domain.vocabulary import AlertChannel

SHIPPED = DEFAULTS / "policy.toml"

_DO_NOT_DISTURB_S = 180
"""Phones let a repeated caller through Do Not Disturb only within three minutes (DESIGN 6)."""

_DAY_S = 86400.0
_YEAR_S = 366 * _DAY_S

Seconds = Annotated[float, Field(gt=0, le=_DAY_S)]
TierName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]


class PolicyError(FileRefusedError):
    """The policy file cannot be used: file, dotted key and reason."""


class _TierTable(FileShape):
    name: TierName
    alert_at_once: int = Field(ge=1, le=1000)
    accept_within_s: Seconds
    channels: list[Literal["voice", "sms"]] = Field(default=["voice", "sms"], min_length=1)

    @model_validator(mode="after")
    def _channels_once(self) -> Self:
        if len(set(self.channels)) < len(self.channels):
            raise ValueError("names a channel twice in channels")
        return self


class _AlertingTable(FileShape):
    tier: list[_TierTable] = Field(min_length=1)
    repeat_s: Seconds = 60.0
    call_ring_s: float = Field(default=25.0, gt=0, le=600)
    second_ring_s: float = Field(default=90.0, gt=0, lt=_DO_NOT_DISTURB_S)

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        names = [tier.name for tier in self.tier]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"has two tiers with the name {name!r}")
        return self


class _CallerTable(FileShape):
    alert_after_s: float = Field(default=0.0, ge=0, le=_DAY_S)
    menu_timeout_s: Seconds = 5.0
    callback_after_abandon: bool = True


class _LinksTable(FileShape):
    worker_s: float = Field(default=86400.0, gt=0, le=_YEAR_S)
    caller_s: float = Field(default=7200.0, gt=0, le=_YEAR_S)


class _TravelTable(FileShape):
    detour_factor: float = Field(default=1.4, ge=1, le=20)
    speed_kmh: float = Field(default=25.0, gt=0, le=300)
    zone_speed_kmh: dict[str, Annotated[float, Field(gt=0, le=300)]] = Field(default_factory=dict)


class _PolicyFile(FileShape):
    alerting: _AlertingTable
    caller: _CallerTable = _CallerTable()
    links: _LinksTable = _LinksTable()
    travel: _TravelTable = _TravelTable()


def load_policy(path: Path | None = None) -> Policy:
    """The policy in the TOML file at *path*, or the one that comes with the program.

    Raises:
        PolicyError: naming the file, the key (tiers are counted from 1) and the reason.
    """
    try:
        content = read_shape(path or SHIPPED, _PolicyFile)
    except FileRefusedError as error:
        raise PolicyError(error.file, error.key, error.reason) from error
    return _policy(content)


def _policy(content: _PolicyFile) -> Policy:
    alerting, caller, links, travel = content.alerting, content.caller, content.links, content.travel
    return Policy(
        alerting=Alerting(
            tiers=tuple(
                Tier(
                    name=tier.name,
                    alert_at_once=tier.alert_at_once,
                    accept_within_s=tier.accept_within_s,
                    channels=tuple(AlertChannel(channel) for channel in tier.channels),
                )
                for tier in alerting.tier
            ),
            repeat_s=alerting.repeat_s,
            call_ring_s=alerting.call_ring_s,
            second_ring_s=alerting.second_ring_s,
        ),
        caller=CallerPolicy(
            alert_after_s=caller.alert_after_s,
            menu_timeout_s=caller.menu_timeout_s,
            callback_after_abandon=caller.callback_after_abandon,
        ),
        links=Links(worker_s=links.worker_s, caller_s=links.caller_s),
        travel=Travel(
            detour_factor=travel.detour_factor,
            speed_kmh=travel.speed_kmh,
            zone_speed_kmh=travel.zone_speed_kmh,
        ),
    )
