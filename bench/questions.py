"""How long the program's own regular questions take: the watchdog's, and a look at the provider's log."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from bench.figures import Figure, of_rounds, percentile
from bench.inside import services_of
from bench.rounds import Scale
from bench.sites import Site
from dispatch.ports import CallDetails, CallRequest, Handed, LoggedCall, LoggedText, TextRequest
from dispatch.service.invariants import CHECKS
from dispatch.service.reconcile import reconcile
from dispatch.service.services import Services
from models.incident import Call

MS_MAX = 50
LOG_ENTRIES = 200
"""Calls in the provider's log that is compared; a busy health centre has fewer between two looks."""


class QuietLog:
    """A provider whose log holds only calls that the program has seen."""

    carries_voice = True
    carries_text = True
    name = "bench"

    def __init__(self, calls: Sequence[LoggedCall]) -> None:
        """Remember *calls*."""
        self._calls = calls

    def calls_received(self, *, since: datetime) -> Sequence[LoggedCall]:
        """All of them, however old."""
        del since
        return self._calls

    def texts_received(self, *, since: datetime) -> Sequence[LoggedText]:
        """None."""
        del since
        return ()

    def details_of(self, provider_sid: str) -> CallDetails:
        """Never asked: nothing here is unknown."""
        raise AssertionError(provider_sid)

    def place_call(self, request: CallRequest) -> Handed:
        """Never asked."""
        raise AssertionError(request)

    def send_text(self, request: TextRequest) -> Handed:
        """Never asked."""
        raise AssertionError(request)

    def stop_ringing(self, provider_sid: str) -> None:
        """Never asked."""
        raise AssertionError(provider_sid)

    def redirect_call(self, provider_sid: str, url: str) -> None:
        """Never asked."""
        raise AssertionError(provider_sid, url)

    def find_recent(self, *, channel: str, to_number: str, since: datetime) -> Sequence[Handed]:
        """Never asked."""
        raise AssertionError(channel, to_number, since)


def questions(site: Site, scale: Scale, name: str) -> Iterator[Figure]:
    """Every check of the watchdog, and one reconciliation with a log in which all is known."""
    with services_of(site) as services:
        whole: list[list[float]] = []
        slowest = ("", 0.0)
        for warm in (False, *[True] * scale.rounds):
            took = _round_ms(services)
            if warm:
                whole.append([sum(took.values())])
                slowest = max([slowest, *took.items()], key=lambda one: one[1])
        median = percentile([ms for one in whole for ms in one], 0.5)
        yield of_rounds(
            f"all {len(CHECKS)} questions of the watchdog, {name}",
            "ms",
            whole,
            target=f"≤ {MS_MAX}",
            met=median <= MS_MAX,
        )
        yield Figure(name=f"  the slowest of them ({slowest[0]})", unit="ms", median=slowest[1])
        provider = QuietLog(_seen_lately(services))
        looks: list[list[float]] = []
        for warm in (False, *[True] * scale.rounds):
            begun_at = time.perf_counter()
            found = reconcile(services, [provider])
            if warm:
                looks.append([(time.perf_counter() - begun_at) * 1000])
            assert not found, found
        median = percentile([ms for one in looks for ms in one], 0.5)
        yield of_rounds(
            f"reconciling {LOG_ENTRIES} calls of the provider's log, {name}",
            "ms",
            looks,
            target=f"≤ {MS_MAX}",
            met=median <= MS_MAX,
        )


def _round_ms(services: Services) -> dict[str, float]:
    taken: dict[str, float] = {}
    now = services.clock.now()
    for check in CHECKS:
        begun_at = time.perf_counter()
        with services.uow.read() as session:
            list(check.find(session, services, now))
        taken[check.name] = (time.perf_counter() - begun_at) * 1000
    return taken


def _seen_lately(services: Services) -> list[LoggedCall]:
    with services.uow.read() as session:
        rows = session.scalars(select(Call).order_by(Call.received_at.desc()).limit(LOG_ENTRIES)).all()
    return [
        LoggedCall(
            provider_sid=row.provider_sid,
            from_number=row.caller_number or "",
            began_at=row.received_at,
            ended_at=row.ended_at or row.received_at + timedelta(minutes=1),
            status="completed",
            duration_s=60,
        )
        for row in rows
    ]
