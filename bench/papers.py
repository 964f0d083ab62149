"""What reports, proof and packs cost when a year is busy: the page, the PDF, verifying, the pack of a month.

Two databases are as busy, a hundred thousand incidents a year: one holds one year, the other ten, so that a
month is as large in both.
"""

import http.client
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from bench import rounds
from bench.figures import Figure, of_rates, of_rounds, ratio
from bench.inside import services_of
from bench.rounds import Bench
from bench.sites import Site
from dispatch.adapters.seal_key import FileSealKeys
from dispatch.service.sealing import Sealer
from dispatch.service.services import Services
from dispatch.service.verifying import Checked, verify

YEAR = datetime.now(UTC).year - 1
MONTH, QUARTER = f"{YEAR}-12", f"{YEAR}-Q4"
"""Of the last of them every day is sealed by itself, and every day since."""

LAST = datetime(YEAR, 12, 31, 14, tzinfo=UTC)
"""The last evening of that year in Timika."""

PAGE_MS_MAX, PDF_S_MAX, PACK_S_MAX = 300, 10, 15
EVENTS_PER_S = 20_000
GROWTH_MAX, FLAT_MAX = 1.2, 1.5
EVENTS_VERIFIED = 10_000
_PASSWORD = "only for the benchmark"  # noqa: S105 - of a database that holds nobody


class Reader:
    """A manager with a browser's cookies, on one connection."""

    def __init__(self, site: Site) -> None:
        """Add the manager, and log in."""
        name = f"bench{secrets.token_hex(4)}"
        site.run("user", "add", name, "--role", "manager", told=_PASSWORD)
        self._connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
        form = urlencode({"username": name, "password": _PASSWORD})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": site.url}
        self._connection.request("POST", "/login", form, headers)
        answer = self._connection.getresponse()
        answer.read()
        cookies = [value.partition(";")[0] for value in answer.headers.get_all("Set-Cookie") or ()]
        assert cookies, f"no log-in: {answer.status}"
        self._headers = {"Cookie": "; ".join(cookies), "Accept-Encoding": "gzip"}

    def page_ms(self, address: str) -> float:
        """From asking for a page to its last byte."""
        begun_at = time.perf_counter()
        self._connection.request("GET", address, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200, f"{address}: {answer.status}"
        return (time.perf_counter() - begun_at) * 1000


def page(bench: Bench, name: str) -> Iterator[Figure]:
    """The report page of a month, while the program has nothing else to do."""
    with bench.site.serving():
        reader = Reader(bench.site)
        reader.page_ms(_address())
        taken = [[reader.page_ms(_address())] for _ in range(bench.scale.rounds)]
    middle = median(ms for one in taken for ms in one)
    yield of_rounds(
        f"report page of a month, {name}",
        "ms",
        taken,
        target=f"≤ {PAGE_MS_MAX}",
        met=middle <= PAGE_MS_MAX,
    )


def page_growth(year: Bench, large: Bench, name: str) -> Iterator[Figure]:
    """The same page on the database with ten times as many years, in turns."""
    with year.site.serving(), large.site.serving():
        readers = Reader(large.site), Reader(year.site)
        for reader in readers:
            reader.page_ms(_address())
        taken = [[reader.page_ms(_address()) for reader in readers] for _ in range(year.scale.rounds)]
    above, below = zip(*taken, strict=True)
    yield ratio(f"report page of a month: {name}", above, below, at_most=GROWTH_MAX)


def papers(bench: Bench, name: str, folder: Path) -> Iterator[Figure]:
    """The yearly PDF and the packs, each by the command, its start included; and the memory of each."""
    site, few = bench.site, bench.scale.few_rounds
    yearly = [
        site.run("report", "--period", str(YEAR), "--format", "pdf", "--out", str(folder / "year.pdf"))
        for _ in range(few)
    ]
    yield _seconds(f"report of a year as PDF, {name}", [one.seconds for one in yearly], PDF_S_MAX)
    _seal_day_by_day(site)
    monthly = [
        site.run("evidence", "--period", MONTH, "--out", str(folder / "month.zip")) for _ in range(few)
    ]
    yield _seconds(f"evidence pack of a month, {name}", [one.seconds for one in monthly], PACK_S_MAX)
    quarter = site.run("evidence", "--period", QUARTER, "--out", str(folder / "quarter.zip"))
    yield Figure(name="  memory for it", unit="MiB", median=monthly[-1].memory_mib)
    yield ratio(
        "  memory for the pack of a quarter ÷ that of a month",
        [quarter.memory_mib],
        [monthly[-1].memory_mib],
        at_most=FLAT_MAX,
    )


def verifying(bench: Bench, name: str) -> Iterator[Figure]:
    """How fast the live record is verified: chains, values, replay, against what the program itself wrote."""
    enough = min(EVENTS_VERIFIED, 100 * bench.scale.lifecycles)
    with services_of(bench.site) as services:
        with bench.site.serving():
            while _verified(services)[0] < enough:
                rounds.lives(bench)
        found = [_verified(services) for _ in range(bench.scale.rounds)]
    rates = [events / seconds for events, seconds in found]
    yield of_rates(f"events verified, {name}", "/s", rates, at_least=EVENTS_PER_S)


def _verified(services: Services) -> tuple[int, float]:
    checked = Checked()
    begun_at = time.perf_counter()
    findings = list(verify(services.uow, services.facility_id, checked))
    seconds = time.perf_counter() - begun_at
    assert not findings, findings[:3]
    return checked.events, seconds


class _Calendar:
    """A clock that is put to a day."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def _seal_day_by_day(site: Site) -> None:
    """Seal each day by itself, as the program would have done every night; nothing of what is sealed."""
    calendar = _Calendar(datetime(YEAR, 10, 2, 12, tzinfo=UTC))
    with services_of(site, clock=calendar) as services:
        sealer = Sealer(services, FileSealKeys(site.folder / "var"))
        sealer.seal_due(most_days=None)
        calendar.at = datetime.now(UTC)
        sealer.seal_due(most_days=None)


def _seconds(name: str, taken: list[float], at_most: float) -> Figure:
    middle = median(taken)
    return Figure(
        name=name,
        unit="s",
        median=middle,
        rounds=tuple(taken),
        target=f"≤ {at_most:g}",
        met=middle <= at_most,
    )


def _address() -> str:
    return f"/reports?period={MONTH}"
