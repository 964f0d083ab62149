"""The whole program behind a socket, and a telephone company that signs what it sends to it.

The program is the real one (``config.wiring``, ``config.web``) without its engine, so that nothing is rung.
It believes to stand behind a proxy that ends TLS: its public address is not the one it listens on.
"""

import io
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

import httpx
import structlog
from lxml import etree
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, NullPool, QueuePool, create_engine, func, select
from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import RequestValidator

from config.demo import sample_roster
from config.facility import load_facility
from config.files import DEFAULTS
from config.logging import configure_logging
from config.policy import load_policy
from config.settings import load_settings
from config.web import build_app
from config.wiring import Program, build_program
from dispatch.service.facilities import register_facility
from dispatch.service.importing import Importer, import_roster, import_staff
from models.tables import Base
from models.traffic import Inbox
from models.unit_of_work import UnitOfWork
from tests.contract.served import serving

PUBLIC_URL = "https://911.puskesmas.example"
ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "an-invented-auth-token"
SERVICE = "+62911000911"
RESIDENT = "+6281199990001"
PAYLOADS = Path(__file__).parent / "payloads" / "twilio"

Fields = Mapping[str, str] | Sequence[tuple[str, str]]
Row = TypeVar("Row", bound=Base)


def payload(name: str) -> bytes:
    """The body of a recorded request."""
    return (PAYLOADS / f"{name}.txt").read_bytes().rstrip(b"\n")


def fields_of(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def signature(url: str, body: bytes, *, token: str = AUTH_TOKEN) -> str:
    """What the provider signs: the address it was told, and every field of the body."""
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return str(RequestValidator(token).compute_signature(url, ImmutableMultiDict(fields)))


def call(number: int = 1, *, sender: str = RESIDENT, **more: str) -> dict[str, str]:
    """The fields of an incoming call that matter."""
    return {
        "CallSid": f"CA{number:032x}",
        "AccountSid": ACCOUNT_SID,
        "From": sender,
        "To": SERVICE,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
        **more,
    }


def text(body: str, number: int = 1, *, sender: str = RESIDENT) -> dict[str, str]:
    """The fields of an incoming text that matter."""
    sid = f"SM{number:032x}"
    return {"MessageSid": sid, "SmsSid": sid, "From": sender, "To": SERVICE, "Body": body, "NumMedia": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The running program."""

    program: Program
    base: str
    database_url: str
    log: io.StringIO
    reader: Engine
    client: httpx.Client
    public_url: str = PUBLIC_URL

    def send(
        self,
        path: str,
        body: bytes | Fields = b"",
        *,
        signed: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A request as the provider sends it; ``signed`` replaces the signature, and "" leaves it out."""
        raw = body if isinstance(body, bytes) else urlencode(body).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        sent["X-Twilio-Signature"] = signature(self.public_url + path, raw) if signed is None else signed
        if signed == "":
            del sent["X-Twilio-Signature"]
        return self.client.post(self.base + path, content=raw, headers=sent)

    def rows(self, table: type[Row]) -> Sequence[Row]:
        """What another connection finds in the database right now."""
        with UnitOfWork(self.reader).read() as session:
            return session.scalars(select(table)).all()

    def stored(self) -> dict[str, int]:
        """How many rows each table has, as another connection counts them."""
        counts = [
            select(func.count()).select_from(table).scalar_subquery().label(table.name)
            for table in Base.metadata.sorted_tables
        ]
        with UnitOfWork(self.reader).read() as session:
            return dict(session.execute(select(*counts)).one()._mapping)

    def kept(self, kind: str) -> list[dict[str, object]]:
        """The raw requests of one kind in the inbox."""
        return [dict(row.body) for row in self.rows(Inbox) if row.kind == kind]

    def journalled(self) -> list[str]:
        """The lines that wait outside the database."""
        found = []
        for path in sorted((self.program.settings.data_dir / "journal").glob("*.jsonl")):
            found += [line for line in path.read_text("ascii").splitlines() if line]
        return found

    def ready(self) -> dict[str, str]:
        """Why the program is not ready, as it says itself."""
        return dict(self.client.get(f"{self.base}/readyz").json()["reasons"])

    def metric(self, name: str) -> float:
        """A figure without labels, as /metrics tells it."""
        page = self.client.get(f"{self.base}/metrics")
        families = text_string_to_metric_families(page.text)
        return next(s.value for family in families for s in family.samples if s.name == name)

    def refused(self, reason: str) -> float:
        """How many webhooks were refused for a reason, as /metrics counts them."""
        page = self.client.get(f"{self.base}/metrics")
        assert page.status_code == 200, page.text
        return sum(
            sample.value
            for family in text_string_to_metric_families(page.text)
            for sample in family.samples
            if sample.name == "siaga_webhooks_refused_total" and sample.labels["reason"] == reason
        )


def load_people(program: Program) -> None:
    """The staff of the sample facility, on duty around now."""
    services, facility = program.services, program.facility
    register_facility(
        uow=services.uow,
        clock=services.clock,
        code=facility.code,
        name=facility.name,
        timezone=facility.timezone,
    )
    importer = Importer(
        uow=services.uow, ids=services.ids, clock=services.clock, facility_id=facility.code, actor="test"
    )
    import_staff((DEFAULTS / "staff.csv").read_bytes(), file="staff.csv", importer=importer)
    today = services.clock.now().astimezone(facility.zone).date()
    shifts = sample_roster(today - timedelta(days=1), today + timedelta(days=1))
    import_roster(shifts, file="roster.csv", importer=importer, zone=facility.zone)


@contextmanager
def logging_as_served() -> Iterator[io.StringIO]:
    """What the program writes to its log, as in production; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level, before = root.handlers, root.level, structlog.get_config()
    stream = io.StringIO()
    configure_logging("json", secrets=(AUTH_TOKEN,), stream=stream)
    try:
        yield stream
    finally:
        root.handlers = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        structlog.configure(**before)


@contextmanager
def running_site(
    database_url: str,
    folder: Path,
    *,
    public_url: str = PUBLIC_URL,
    auth_token: str = AUTH_TOKEN,
    with_people: bool = True,
) -> Iterator[Site]:
    """The program with the sample facility's people, served until the end of the block."""
    settings = load_settings(
        {
            "SIAGA_DATABASE_URL": database_url,
            "SIAGA_PUBLIC_URL": public_url,
            "SIAGA_SECRET_KEY": "invented-key-of-the-tests",
            "SIAGA_TELEPHONY": "twilio",
            "SIAGA_TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "SIAGA_TWILIO_AUTH_TOKEN": auth_token,
            "SIAGA_TWILIO_NUMBER": SERVICE,
            "SIAGA_DATA_DIR": str(folder / "var"),
        }
    )
    program = build_program(settings, load_facility(), load_policy(), with_engine=False)
    if with_people:
        load_people(program)
    reader = create_engine(database_url, poolclass=NullPool)
    # No connection is used twice: each request arrives as if it were the only one.
    limits = httpx.Limits(max_keepalive_connections=0)
    with (
        logging_as_served() as log,
        serving(lambda _base: build_app(program)) as base,
        httpx.Client(trust_env=False, timeout=15.0, limits=limits) as client,
    ):
        yield Site(
            program=program,
            base=base,
            database_url=database_url,
            log=log,
            reader=reader,
            client=client,
            public_url=public_url,
        )
        _let_work_end(program)


def _let_work_end(program: Program) -> None:
    """A webhook that was too slow was left to itself; its connection is to be back before the pool goes."""
    pool = program.services.uow.engine.pool
    assert isinstance(pool, QueuePool)
    for _ in range(500):
        if not pool.checkedout() or threading.Event().wait(0.01):
            return


def verbs(response: httpx.Response) -> list[str]:
    """The verbs of a TwiML answer, in order, with what stands in them: ``Gather``, ``Dial/Conference`` …"""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].partition(";")[0] == "application/xml"
    root = etree.fromstring(response.content)
    assert root.tag == "Response"
    return [
        verb.tag if verb.tag != "Dial" else f"Dial/{'+'.join(sorted({noun.tag for noun in verb}))}"
        for verb in root
    ]


def numbers(response: httpx.Response) -> list[str]:
    """The numbers that an answer dials."""
    return [str(number.text) for number in etree.fromstring(response.content).iter("Number")]


def said(response: httpx.Response) -> str:
    """What an answer says, or texts back."""
    root = etree.fromstring(response.content)
    return " ".join(str(words.text) for words in root.iter("Say", "Message"))


def is_fallback(response: httpx.Response) -> bool:
    """Whether the answer rings the duty phones directly."""
    found = verbs(response)
    return found[-1] == "Dial/Number" and len(numbers(response)) > 1
