"""Taking access away at the terminal: log-ins, tokens, and people who are rung."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.service.terminal import Siaga
from tests.tidy.tree import ROOT

STAFF = str(ROOT / "config" / "defaults" / "staff.csv")


def audit(folder: Path) -> list[tuple[str, str]]:
    """What was done to whom, but for imports."""
    with closing(sqlite3.connect(folder / "var" / "siaga.db")) as connection:
        lines = connection.execute("SELECT action, subject FROM audit ORDER BY id").fetchall()
    return [(action, subject) for action, subject in lines if not action.endswith("imported")]


def test_a_log_in_is_taken_away_and_given_back(siaga: Siaga, migrated: Siaga, tmp_path: Path) -> None:
    siaga("user", "add", "maria", "--role", "dispatcher", stdin="rahasia sekali\n")
    disabled = migrated("user", "disable", "maria")
    assert (disabled.status, disabled.out) == (0, "user maria is disabled\n")
    assert migrated("user", "list").out == "maria: dispatcher, disabled; last log-in never\n"
    assert migrated("user", "disable", "maria").out == "user maria is disabled, as before\n"
    assert migrated("user", "enable", "maria").out == "user maria may log in\n"
    assert migrated("user", "list").out == "maria: dispatcher, may log in; last log-in never\n"
    assert siaga("user", "password", "maria", stdin="lain sekali\n").status == 0
    short = siaga("user", "password", "maria", stdin="kurang\n")
    assert (short.status, short.last_line) == (1, "the password needs at least 8 characters")
    nobody = migrated("user", "disable", "yohana")
    assert (nobody.status, nobody.last_line) == (
        1,
        "there is no user 'yohana'; siaga user list shows who there is",
    )
    assert audit(tmp_path) == [
        ("user.added", "user:maria"),
        ("user.disabled", "user:maria"),
        ("user.enabled", "user:maria"),
        ("user.password_changed", "user:maria"),
    ]


def test_a_token_is_revoked_by_its_name_or_its_identifier(migrated: Siaga, tmp_path: Path) -> None:
    for name in ("papan", "papan", "laporan"):
        migrated("token", "create", "--role", "manager", "--name", name)
    listed = migrated("token", "list").out.splitlines()
    assert sum("manager, good; made " in line and "last used never" in line for line in listed) == 3
    assert migrated("token", "revoke", "papan").out.count("papan is revoked") == 2
    again = migrated("token", "revoke", "papan")
    assert (again.status, again.last_line) == (
        1,
        "no token that is still good is called 'papan'; siaga token list shows which there are",
    )
    [report] = [line.split()[0] for line in listed if " laporan: " in line]
    assert migrated("token", "revoke", report).status == 0
    assert sum(": manager, revoked " in line for line in migrated("token", "list").out.splitlines()) == 3
    told = [subject for action, subject in audit(tmp_path) if action == "token.revoked"]
    assert told == ["token:papan", "token:papan", "token:laporan"]


def test_a_worker_who_left_is_off_the_list_until_somebody_says_otherwise(
    migrated: Siaga, tmp_path: Path
) -> None:
    migrated("import", "staff", STAFF)
    assert migrated("staff", "off", "N01").out == "N01 is off the list\n"
    assert "N01: Ns. Contoh Satu, responder, off the list\n" in migrated("staff", "list").out
    assert "+6281" not in migrated("staff", "list").out
    again = migrated("import", "staff", STAFF)
    assert again.status == 0
    assert again.out.splitlines()[1:] == [
        "N01 was taken off the list and is not rung; to have them rung again: siaga staff on N01"
    ]
    (tmp_path / "roster.csv").write_text(
        "staff_code,starts_at,ends_at,tier\nN01,2026-11-23T20:00,2026-11-24T08:00,jaga\n", encoding="utf-8"
    )
    assert "N01 was taken off the list" in migrated("import", "roster", "roster.csv").out
    assert "+628110000001" not in migrated("fallback").out
    assert migrated("staff", "on", "N01").out == "N01 is on the list\n"
    assert len(migrated("import", "staff", STAFF).out.splitlines()) == 1
    assert audit(tmp_path) == [("staff.taken_off", "staff:N01"), ("staff.taken_back", "staff:N01")]
    nobody = migrated("staff", "off", "N99")
    assert (nobody.status, nobody.last_line.partition(";")[0]) == (1, "nobody has the staff code 'N99'")
