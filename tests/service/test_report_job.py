"""The monthly report: on the first, once, made up for when it was missed, and mailed where that is set."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.report_job import ReportJob
from config.settings import SettingsError, load_settings
from dashboards.reports.periods import parse_period
from dashboards.reports.response_times import Format
from tests.fakes.mail_server import MailServer, mail_server
from tests.service.conftest import MakeWorld
from tests.world import World, at_once

MakeJob = Callable[..., ReportJob]
NOVEMBER = parse_period("2026-11")

WRITES = 'for said; do case "$said" in --out=*) echo "$@" > "${said#--out=}";; esac; done'
"""Stands in for the command: writes what it was asked into the file that it was asked for."""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def job(tmp_path: Path, runs: Path) -> MakeJob:
    def make(world: World, script: str = WRITES, **environ: str) -> ReportJob:
        known = {"SIAGA_SECRET_KEY": "a key that is long enough", "SIAGA_DATA_DIR": str(tmp_path / "var")}
        program = ("/bin/sh", "-c", f'echo "$@" >> "{runs}"; {script}', "sh")
        return ReportJob(world.services, load_settings({**known, **environ}), program=program)

    return make


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as made:
        yield made


def local(world: World, month: int, day: int, hour: int, minute: int = 0) -> None:
    """Set the clock to an hour of the facility's day in 2026."""
    at = datetime(2026, month, day, hour, minute, tzinfo=world.services.zone).astimezone(UTC)
    world.hand.advance((at - world.hand.now()).total_seconds())


def count(runs: Path) -> int:
    return len(runs.read_text(encoding="utf-8").splitlines()) if runs.exists() else 0


def test_it_is_made_on_the_first_and_once(world: World, job: MakeJob, runs: Path) -> None:
    reports = job(world)
    local(world, 12, 1, 3, 14)
    reports.run_if_due()
    assert count(runs) == 0
    local(world, 12, 1, 3, 15)
    reports.run_if_due()
    assert count(runs) == len(Format)
    assert all(reports.file(NOVEMBER, form).exists() for form in Format)
    local(world, 12, 2, 9)
    job(world).run_if_due()
    assert count(runs) == len(Format), "the database remembers"


def test_one_that_was_missed_is_made_up_for(world: World, job: MakeJob, runs: Path) -> None:
    local(world, 12, 20, 9)
    job(world).run_if_due()
    assert count(runs) == len(Format)


def test_a_month_before_the_facility_was_set_up_has_none(world: World, job: MakeJob, runs: Path) -> None:
    """The world begins in November."""
    job(world).run_if_due()
    assert count(runs) == 0


def test_of_several_processes_one_makes_it(make_world: MakeWorld, job: MakeJob, runs: Path) -> None:
    world = make_world()
    local(world, 12, 1, 4)
    at_once(*(job(world).run_if_due for _ in range(4)))
    assert count(runs) == len(Format)


def test_what_could_not_be_made_is_named_and_the_rest_comes(world: World, job: MakeJob) -> None:
    local(world, 12, 1, 4)
    script = f'case "$*" in *pdf*) echo "pdf needs typst; written as a page instead";; *) {WRITES};; esac'
    reports = job(world, script)
    reports.run_if_due()
    assert not reports.file(NOVEMBER, Format.PDF).exists()
    assert reports.file(NOVEMBER, Format.XLSX).exists()
    said = next(reports.file(NOVEMBER, Format.PDF).parent.glob("*-left-out.txt")).read_text(encoding="utf-8")
    assert said == "pdf needs typst; written as a page instead\n"


def test_a_failure_is_tried_again_after_an_hour(world: World, job: MakeJob, runs: Path) -> None:
    local(world, 12, 1, 4)
    job(world, "echo 'the disk is full'; exit 1").run_if_due()
    tried = count(runs)
    world.hand.advance(3599)
    job(world).run_if_due()
    assert count(runs) == tried
    world.hand.advance(1)
    job(world).run_if_due()
    assert count(runs) == tried + len(Format)


def test_it_is_mailed_with_pdf_and_workbook(world: World, job: MakeJob, server: MailServer) -> None:
    local(world, 12, 1, 4)
    reports = job(world, SIAGA_SMTP_URL=server.url, SIAGA_REPORT_TO="kepala@example.org, dinas@example.org")
    reports.run_if_due()
    (letter,) = server.letters
    assert (letter["From"], letter["To"]) == ("kepala@example.org", "kepala@example.org, dinas@example.org")
    assert letter["Subject"] == "Laporan waktu tanggap 2026-11 (KWK)"
    files = {part.get_filename(): part.get_content() for part in letter.iter_attachments()}
    assert set(files) == {f"KWK-2026-11-response-times.{form}" for form in ("pdf", "xlsx")}
    assert files["KWK-2026-11-response-times.pdf"] == reports.file(NOVEMBER, Format.PDF).read_bytes()


def test_a_mail_server_that_refuses_is_tried_again_and_the_report_is_there(
    world: World, job: MakeJob, server: MailServer, runs: Path
) -> None:
    local(world, 12, 1, 4)
    server.is_refusing = True
    reports = job(world, SIAGA_SMTP_URL=server.url, SIAGA_REPORT_TO="kepala@example.org")
    reports.run_if_due()
    assert reports.file(NOVEMBER, Format.PDF).exists()
    assert server.letters == []
    server.is_refusing = False
    world.hand.advance(3600)
    reports.run_if_due()
    (letter,) = server.letters
    body = letter.get_body()
    assert body is not None
    assert "not mailed: SMTPSenderRefused 451; tried again within the hour" in body.get_content()
    assert count(runs) == len(Format), "the files are made once"
    world.hand.advance(3600)
    reports.run_if_due()
    assert len(server.letters) == 1


def test_without_a_mail_server_a_line_says_so(world: World, job: MakeJob) -> None:
    local(world, 12, 1, 4)
    reports = job(world, SIAGA_REPORT_TO="kepala@example.org")
    reports.run_if_due()
    folder = reports.file(NOVEMBER, Format.PDF).parent
    assert (folder / "KWK-2026-11-left-out.txt").read_text(encoding="utf-8") == (
        "not mailed: SIAGA_SMTP_URL is not set\n"
    )


def test_a_password_is_not_sent_in_the_open(world: World, job: MakeJob, server: MailServer) -> None:
    local(world, 12, 1, 4)
    url = server.url.replace("smtp://", "smtp://user:geheim@")
    reports = job(world, SIAGA_SMTP_URL=url, SIAGA_REPORT_TO="kepala@example.org")
    reports.run_if_due()
    assert server.letters == []
    said = (reports.file(NOVEMBER, Format.PDF).parent / "KWK-2026-11-left-out.txt").read_text(
        encoding="utf-8"
    )
    assert "no encryption" in said
    assert "geheim" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIAGA_SMTP_URL", "mail.example.org"),
        ("SIAGA_SMTP_URL", "http://user:geheim@mail.example.org"),
        ("SIAGA_REPORT_TO", "kepala"),
        ("SIAGA_REPORT_FROM", "a b@example.org"),
    ],
)
def test_a_bad_setting_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as raised:
        load_settings({"SIAGA_SECRET_KEY": "a key that is long enough", name: value})
    assert "geheim" not in str(raised.value)
