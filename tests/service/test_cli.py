"""The commands as a person uses them: exit status, one line for a mistake, never a traceback (CONTRACT 1)."""

import json
import re
import shutil
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest
from lxml import etree
from mnemonic import Mnemonic

from tests.service.terminal import Siaga
from tests.tidy.tree import ROOT

DEFAULTS = ROOT / "config" / "defaults"
COMMANDS = (
    ["serve"],
    ["engine"],
    ["migrate"],
    ["doctor"],
    ["import"],
    ["import", "staff"],
    ["import", "roster"],
    ["import", "places"],
    ["export"],
    ["export", "incidents"],
    ["report"],
    ["verify"],
    ["backup"],
    ["restore"],
    ["fallback"],
    ["user"],
    ["user", "add"],
    ["user", "disable"],
    ["user", "enable"],
    ["user", "password"],
    ["user", "list"],
    ["staff"],
    ["staff", "list"],
    ["staff", "off"],
    ["staff", "on"],
    ["token"],
    ["token", "create"],
    ["token", "list"],
    ["token", "revoke"],
    ["evidence"],
    ["erase"],
    ["breach-notice"],
    ["seal"],
    ["key"],
    ["settings"],
    ["policy"],
    ["policy", "check"],
)


def test_help_names_every_command(here: Siaga) -> None:
    ended = here("--help")
    assert ended.status == 0
    named = set(re.findall(r"^  ([a-z-]+) ", ended.out, re.MULTILINE))
    assert {command[0] for command in COMMANDS} <= named


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(here: Siaga, command: list[str]) -> None:
    ended = here(*command, "--help")
    assert ended.status == 0
    assert "Example: siaga " + command[0] in ended.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["migrate", "--bogus"],
        ["import", "staff"],
        ["user", "add", "maria"],
        ["user", "add", "maria", "--role", "king"],
        ["token", "create"],
        ["export", "incidents", "--format", "docx"],
        ["report"],
        ["report", "--period", "2026-13"],
        ["report", "--period", "2026", "--format", "docx"],
        ["backup"],
        ["backup", "copy.db", "--dir", "backups"],
        ["backup", "copy.db", "--keep", "3"],
        ["backup", "--dir", "backups", "--keep", "0"],
        ["restore"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two(here: Siaga, arguments: list[str]) -> None:
    ended = here(*arguments)
    assert ended.status == 2
    assert ended.out == ""
    assert re.search("^Error: ", ended.err, re.MULTILINE)


def test_a_wrong_choice_is_told_in_plain_words(here: Siaga) -> None:
    ended = here("user", "add", "maria", "--role", "bos")
    assert ended.last_line == (
        "Error: Invalid value for '--role': 'bos' is not one of 'admin', 'dispatcher', 'manager', 'auditor', "
        "'worker'."
    )


def test_a_bad_setting_is_the_last_line(here: Siaga) -> None:
    for command in (["serve"], ["engine"], ["migrate"], ["doctor"], ["settings"]):
        ended = here(*command, SIAGA_TELEPHONY="pigeon")
        assert ended.status == 1
        assert ended.last_line.startswith("SIAGA_TELEPHONY: 'pigeon' is no provider")
        assert (ended.out + ended.err).count("is no provider") == 1


def test_nothing_starts_without_a_key(here: Siaga, tmp_path: Path) -> None:
    for command in (["serve"], ["engine"], ["migrate"]):
        ended = here(*command, without_key=True)
        assert ended.status == 1
        assert ended.last_line.startswith("SIAGA_SECRET_KEY: is required")
    assert list(tmp_path.iterdir()) == []


def test_a_bad_policy_names_file_and_key(here: Siaga, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("[alerting]\ntier = []\n", encoding="utf-8")
    ended = here("serve", SIAGA_POLICY_FILE=str(file))
    assert ended.status == 1
    assert "policy.toml: alerting.tier: " in ended.last_line or "siaga migrate" in ended.last_line
    checked = here("policy", "check", str(file))
    assert checked.status == 1
    assert checked.last_line.startswith(f"{file}: alerting.tier: ")


def test_migrate_is_safe_to_repeat(siaga: Siaga, tmp_path: Path) -> None:
    assert siaga("migrate").status == 0
    again = siaga("migrate")
    assert again.status == 0
    assert "nothing to do" in again.out
    with closing(sqlite3.connect(tmp_path / "var" / "siaga.db")) as connection:
        assert connection.execute("SELECT id FROM facility").fetchall() == [("KWK",)]


@pytest.mark.parametrize(
    "command", [["verify"], ["fallback"], ["token", "create", "--role", "admin"]], ids=" ".join
)
def test_without_a_database_a_command_says_what_to_do(
    here: Siaga, tmp_path: Path, command: list[str]
) -> None:
    ended = here(*command)
    assert ended.status == 1
    assert "run: siaga migrate" in ended.last_line
    assert not (tmp_path / "var").exists()


def test_a_database_that_does_not_answer_is_one_line_without_the_password(siaga: Siaga) -> None:
    ended = siaga("verify", SIAGA_DATABASE_URL="postgresql+psycopg://u:very-secret@127.0.0.1:9/x")
    assert ended.status == 1
    assert ended.last_line.startswith("SIAGA_DATABASE_URL: the database does not answer")
    assert "very-secret" not in ended.err


def test_imports_say_what_they_did_and_what_is_wrong(migrated: Siaga, tmp_path: Path) -> None:
    staff = str(DEFAULTS / "staff.csv")
    assert "14 added, 0 changed, 0 unchanged" in migrated("import", "staff", staff).out
    assert "0 added, 0 changed, 14 unchanged" in migrated("import", "staff", staff).out
    assert migrated("import", "places", str(DEFAULTS / "places.csv")).status == 0
    roster = tmp_path / "roster.csv"
    unknown = "is no tier of the policy, so nobody would ring; it has jaga, cadangan, pimpinan"
    roster.write_text(
        "staff_code,starts_at,ends_at,tier\nN01,2026-11-23T20:00,2026-11-24T08:00,jaga\n"
        "N99,2026-11-23T20:00,2026-11-24T08:00,jaga\nN02,2026-11-23T20:00,2026-11-24T08:00,pagi\n",
        encoding="utf-8",
    )
    ended = migrated("import", "roster", str(roster))
    assert ended.status == 1
    assert ended.err.splitlines() == [
        f"{roster}:3: staff_code 'N99': is nobody's code; import the staff first",
        f"{roster}:4: tier 'pagi': {unknown}",
    ]
    missing = migrated("import", "staff", "nowhere.csv")
    assert (missing.status, missing.last_line) == (
        1,
        "nowhere.csv: cannot be read: No such file or directory",
    )


def test_a_user_is_added_once_with_the_password_from_standard_input(siaga: Siaga, migrated: Siaga) -> None:
    assert siaga("user", "add", "maria", "--role", "dispatcher", stdin="rahasia sekali\n").status == 0
    again = siaga("user", "add", "maria", "--role", "admin", stdin="rahasia sekali\n")
    assert (again.status, again.last_line) == (1, "there is a user 'maria' already")
    short = siaga("user", "add", "yohana", "--role", "admin", stdin="kurang\n")
    assert (short.status, short.last_line) == (1, "the password needs at least 8 characters")


def test_a_token_is_printed_once_and_kept_as_a_hash(migrated: Siaga, tmp_path: Path) -> None:
    ended = migrated("token", "create", "--role", "manager", "--name", "papan")
    assert ended.status == 0
    token = ended.out.strip()
    assert re.fullmatch(r"siaga_[A-Za-z0-9]{32}", token)
    assert token.encode() not in (tmp_path / "var" / "siaga.db").read_bytes()
    with closing(sqlite3.connect(tmp_path / "var" / "siaga.db")) as database:
        lines = database.execute("SELECT actor, action, subject, data FROM audit").fetchall()
    assert lines == [("cli", "token.created", "token:papan", '{"role":"manager"}')]


def test_the_fallback_is_a_document_that_rings_people(migrated: Siaga) -> None:
    migrated("import", "staff", str(DEFAULTS / "staff.csv"))
    document = etree.fromstring(migrated("fallback").out.strip().encode())
    numbers = document.xpath("//Number/text()")
    assert numbers[0].startswith("+6281100000")
    assert numbers[-1] == "+628114982800"


def test_an_export_is_a_file_and_leaves_a_line(migrated: Siaga, tmp_path: Path) -> None:
    days = ("--from", "2026-11-01", "--to", "2026-12-01")
    printed = migrated("export", "incidents", *days)
    assert printed.status == 0
    assert printed.out.startswith("number,short_number,")
    written = migrated("export", "incidents", *days, "--format", "json", "--out", "november.json")
    assert (written.status, written.out) == (0, "")
    assert json.loads((tmp_path / "november.json").read_text(encoding="utf-8"))["items"] == []
    assert {path.name for path in tmp_path.iterdir()} == {"var", "november.json"}
    with closing(sqlite3.connect(tmp_path / "var" / "siaga.db")) as connection:
        lines = connection.execute("SELECT action, subject FROM audit ORDER BY id").fetchall()
    assert lines == [("incidents.exported", "csv"), ("incidents.exported", "json")]


@pytest.mark.parametrize(
    ("option", "text"), [("--from", "yesterday"), ("--from", "2026-11-31"), ("--to", "2026-11-23T12:00")]
)
def test_a_bad_boundary_is_wrong_usage(migrated: Siaga, option: str, text: str) -> None:
    ended = migrated("export", "incidents", option, text)
    assert ended.status == 2
    assert option in ended.last_line


def test_a_file_that_cannot_be_written_is_one_line(migrated: Siaga, tmp_path: Path) -> None:
    ended = migrated("export", "incidents", "--out", "nowhere/november.csv")
    assert (ended.status, ended.last_line) == (
        1,
        "nowhere/november.csv: cannot be written: No such file or directory",
    )


@pytest.mark.parametrize("period", ["2026-10", "2026-Q4", "2026"])
@pytest.mark.parametrize(("form", "start"), [("html", "<!doctype html>"), ("csv", ""), ("json", "{")])
def test_a_report_of_an_empty_period_is_still_a_report(
    migrated: Siaga, period: str, form: str, start: str
) -> None:
    ended = migrated("report", "--period", period, "--format", form)
    assert ended.status == 0
    assert ended.out.lstrip().lower().startswith(start)
    assert period in ended.out


@pytest.mark.parametrize(("form", "start"), [("pdf", b"%PDF"), ("xlsx", b"PK")])
def test_a_report_for_paper_and_spreadsheet(migrated: Siaga, tmp_path: Path, form: str, start: bytes) -> None:
    ended = migrated("report", "--period", "2026-10", "--format", form, "--out", f"october.{form}")
    assert (ended.status, ended.err) == (0, "")
    assert (tmp_path / f"october.{form}").read_bytes().startswith(start)


def test_a_report_without_its_library_comes_as_a_page(
    migrated: Siaga, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    ended = migrated("report", "--period", "2026-10", "--format", "pdf", "--out", "october.pdf")
    assert ended.status == 0
    assert ended.last_line == (
        "pdf needs the library typst, which is not installed here; the report is written as a page instead: "
        "october.html"
    )
    assert "Laporan waktu tanggap" in (tmp_path / "october.html").read_text(encoding="utf-8")
    assert not (tmp_path / "october.pdf").exists()


def test_a_dossier_is_a_page_or_a_pdf(migrated: Siaga, tmp_path: Path) -> None:
    ended = migrated("report", "--kind", "kipp", "--period", "2026-10", "--format", "pdf", "--out", "d.pdf")
    assert (ended.status, (tmp_path / "d.pdf").read_bytes()[:5]) == (0, b"%PDF-")
    refused = migrated("report", "--kind", "kipp", "--period", "2026-10", "--format", "csv", "--out", "d.csv")
    assert (refused.status, refused.last_line) == (
        1,
        "a report of the kind kipp does not come as csv; choose from html, pdf",
    )
    assert not (tmp_path / "d.csv").exists()


def test_a_report_beside_another_period(migrated: Siaga) -> None:
    ended = migrated("report", "--period", "2026-10", "--format", "json", "--compare", "2026-09")
    assert json.loads(ended.out)["compared_with"]["period"] == "2026-09"
    assert migrated("report", "--period", "2026-10", "--compare", "September").status == 2


def test_an_empty_record_is_intact(migrated: Siaga) -> None:
    ended = migrated("verify")
    assert (ended.status, ended.out) == (0, "the record is intact: 0 incidents, 0 events\n")


def test_a_backup_is_made_and_put_back(migrated: Siaga, tmp_path: Path) -> None:
    migrated("migrate")
    made = migrated("backup", "copies/first.db")
    assert made.status == 0
    assert made.out.startswith("copies/first.db: 0 incidents, 0 events, 0 calls; checked by its own chain")
    again = migrated("backup", "copies/first.db")
    assert (again.status, again.last_line) == (
        1,
        "copies/first.db: is there already; a backup is never overwritten",
    )
    back = migrated("restore", "copies/first.db", "--into", "sqlite:///elsewhere/siaga.db")
    assert (back.status, back.out.splitlines()) == (
        0,
        ["restored: 0 incidents, 0 events, 0 calls", "the record is intact"],
    )
    assert (tmp_path / "elsewhere" / "siaga.db").exists()
    over = migrated("restore", "copies/first.db")
    assert over.status == 0
    assert "what stood there is kept: var/siaga.db.before_restore_" in over.out


def test_backups_in_a_folder_have_names_of_their_own_and_rotate(migrated: Siaga, tmp_path: Path) -> None:
    old = tmp_path / "copies" / "KWK-20260105T171500Z.db"
    older = tmp_path / "copies" / "KWK-20260104T171500Z.db"
    old.parent.mkdir()
    for file in (old, older):
        file.touch()
    ended = migrated("backup", "--dir", "copies", "--keep", "1")
    assert ended.status == 0
    assert re.search(r"^copies/KWK-\d{8}T\d{6}Z\.db: ", ended.out)
    assert "copies/KWK-20260105T171500Z.db: deleted, by rotation" in ended.out
    assert older.exists(), "the first of a month stays"
    assert not old.exists()
    assert signs_of_backups(tmp_path) == [], "a copy taken elsewhere does not replace today's"
    migrated("backup", "--dir", "copies", "--no-check", SIAGA_BACKUP_DIR="copies")
    assert signs_of_backups(tmp_path) == [], "nor does one that was not checked"
    for file in (tmp_path / "copies").iterdir():
        file.unlink()
    migrated("import", "staff", str(DEFAULTS / "staff.csv"))
    migrated("backup", "--dir", "copies", SIAGA_BACKUP_DIR="copies")
    [sign] = signs_of_backups(tmp_path)
    assert sign.startswith("KWK-")
    with closing(sqlite3.connect(tmp_path / "var" / "siaga.db")) as connection:
        lines = connection.execute("SELECT actor, subject FROM audit WHERE action = 'backup.made'").fetchall()
    assert lines == [("cli", sign)]


def signs_of_backups(folder: Path) -> list[str]:
    """What the running program is told of the last good backup."""
    with closing(sqlite3.connect(folder / "var" / "siaga.db")) as connection:
        rows = connection.execute("SELECT details FROM pulse WHERE name = 'backup'").fetchall()
    return [json.loads(details)["file"] for (details,) in rows]


def test_a_backup_or_restore_that_cannot_be_is_one_line(migrated: Siaga, here: Siaga, tmp_path: Path) -> None:
    nowhere = migrated("restore", "nowhere.db")
    assert (nowhere.status, nowhere.last_line) == (1, "nowhere.db: cannot be read: No such file or directory")
    (tmp_path / "a-file").touch()
    full = migrated("backup", "a-file/copy.db")
    assert (full.status, full.last_line) == (1, "a-file/copy.db: cannot be written: File exists")
    none = here("backup", "copy.db", SIAGA_DATABASE_URL="sqlite:///other.db")
    assert (none.status, "run: siaga migrate" in none.last_line) == (1, True)
    assert not (tmp_path / "other.db").exists()


def test_a_day_that_has_ended_is_sealed_by_hand(migrated: Siaga, tmp_path: Path) -> None:
    migrated("migrate")
    early = migrated("seal")
    assert (early.status, early.out) == (0, "nothing to seal: no day has ended yet\n")
    with closing(sqlite3.connect(tmp_path / "var" / "siaga.db")) as connection:
        connection.execute("UPDATE facility SET created_at = '2026-01-01 00:00:00.000000'")
        connection.commit()
    ended = migrated("seal")
    assert ended.status == 0
    shown = re.fullmatch(
        r"(\d{4}-\d\d-\d\d: (?:[0-9A-Z]{4}-){2}[0-9A-Z]{4}), 0 incidents, 0 calls\n", ended.out
    )
    assert shown is not None, ended.out
    assert migrated("seal").out.startswith(f"nothing to seal; last: {shown[1]}")
    _, _, fingerprint = shown[1].partition(": ")
    spoken = fingerprint.lower().replace("-", " ")
    verified = migrated("verify", "--fingerprint", spoken)
    assert (verified.status, f"{shown[1]}; compare it with what the witnesses hold" in verified.out) == (
        0,
        True,
    )
    other = migrated("verify", "--fingerprint", "0000-0000-0000")
    assert (other.status, other.out.partition(":")[0]) == (1, "fingerprint 0000-0000-0000")
    assert migrated("verify", "--fingerprint", "what?").status == 2
    (tmp_path / "var" / "seal-key.pem").unlink()
    lost = migrated("key")
    assert (lost.status, "the key is gone" in lost.last_line) == (1, True)


def test_a_pack_is_verified_without_settings_or_database(migrated: Siaga, tmp_path: Path) -> None:
    migrated("migrate")
    with closing(sqlite3.connect(tmp_path / "var" / "siaga.db")) as connection:
        connection.execute("UPDATE facility SET created_at = '2026-01-01 00:00:00.000000'")
        connection.commit()
    day = migrated("seal").out.partition(":")[0]
    none = migrated("evidence", "--period", "2019-01", "--out", "pack.zip")
    assert (none.status, none.last_line) == (1, "no day from 2019-01-01 to 2019-01-31 is sealed")
    assert not (tmp_path / "pack.zip").exists()
    assert migrated("evidence", "--period", "soon", "--out", "pack.zip").status == 2
    made = migrated("evidence", "--period", day[:7], "--out", "pack.zip")
    assert (made.status, made.out.startswith(f"pack.zip: the record, sealed up to {day}: ")) == (0, True)
    for_page = migrated("evidence", "--period", day[:7], "--out", "pack.zip", "--asked-by", "user:maria")
    assert for_page.status == 0
    with closing(sqlite3.connect(tmp_path / "var" / "siaga.db")) as connection:
        told = connection.execute(
            "SELECT actor, subject FROM audit WHERE action = 'evidence.made' ORDER BY id"
        )
        assert told.fetchall() == [("cli", day[:7]), ("user:maria", day[:7])]
    shutil.rmtree(tmp_path / "var")
    intact = migrated("verify", "pack.zip", without_key=True)
    assert (intact.status, intact.out.splitlines()[0]) == (
        0,
        "INTACT / UTUH: 1 seals, 0 incidents, 0 events, 0 calls",
    )
    other = migrated("verify", "pack.zip", "--fingerprint", "0000-0000-0000", without_key=True)
    verdict = "NOT CONFIRMED / TIDAK COCOK: whole in itself; not of it and its 2026-11-01 … 2026-11-30: "
    assert (other.status, other.last_line) == (1, f"{verdict}1 of what was given")
    nobodys = (
        "fingerprint 0000-0000-0000: missing: no seal in this pack bears it; this is the record of KWK, "
    )
    assert other.out.startswith(nobodys)
    wrong = migrated("verify", "pack.zip", "--key", "AB" * 32, without_key=True)
    assert wrong.out.startswith(f"key {'ab' * 32}: another: this is the record of KWK, sealed with the key ")
    assert migrated("verify", "pack.zip", "--key", "ab", without_key=True).status == 2
    assert not (tmp_path / "var").exists()


def test_the_key_is_shown_in_digits_words_and_a_picture(migrated: Siaga, tmp_path: Path) -> None:
    shown = migrated("key")
    assert shown.status == 0
    public = shown.out.splitlines()[1]
    words = re.findall(r"\d+ ([a-z]+)", shown.out)
    assert Mnemonic("english").to_entropy(words) == bytes.fromhex(public)
    assert "▀" in shown.out
    file = tmp_path / "var" / "seal-key.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "PRIVATE" not in shown.out + shown.err
    assert migrated("key").out == shown.out
    file.chmod(0o644)
    open_to_all = migrated("key")
    assert (open_to_all.status, open_to_all.last_line) == (
        1,
        "var/seal-key.pem: others may read it too; run: chmod 600 var/seal-key.pem",
    )


def test_the_doctor_finds_what_is_missing(migrated: Siaga, tmp_path: Path) -> None:
    ended = migrated("doctor")
    assert ended.status == 1
    states = {line.split()[0] for line in ended.out.splitlines()}
    assert states == {"ok", "peringatan", "gagal"}
    order = [line.split()[0] for line in ended.out.splitlines()]
    assert order == sorted(order, key=["gagal", "peringatan", "ok"].index)
    assert "gagal       roster: nobody at all" in ended.out
    elsewhere = migrated("doctor", SIAGA_DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    assert "gagal       database: " in elsewhere.out
    assert not (tmp_path / "other.db").exists()


def test_settings_are_shown_without_secrets(here: Siaga) -> None:
    ended = here("settings", SIAGA_TWILIO_AUTH_TOKEN="token-of-tests")
    assert ended.status == 0
    assert "SIAGA_DATABASE_URL=sqlite:///var/siaga.db\n" in ended.out
    assert "token-of-tests" not in ended.out
    assert "a key that" not in ended.out


def test_the_policy_shows_its_ladder(here: Siaga) -> None:
    ended = here("policy")
    assert ended.status == 0
    assert re.search(r"1\. jaga.*\n +2\. cadangan.*\n +3\. pimpinan", ended.out)
