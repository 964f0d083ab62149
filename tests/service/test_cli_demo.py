"""``siaga serve --demo`` beside a real installation: it refuses in one line and has touched nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bench.ports import free_port
from tests.service.terminal import Siaga

REAL = (
    "code,name,role,phone,skills,base_place\n"
    "P01,Ns. Maria Somebody,responder,+628119999901,nurse;bls,\n"
    "P02,Yohana Somebody,driver,+628110000001,driver,\n"
)
"""The second one has the number of the demo's first nurse."""


def everything_in(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def demo(siaga: Siaga, **environ: str) -> tuple[int, str]:
    ended = siaga("serve", "--demo", "--port", str(free_port()), **environ)
    return ended.status, ended.last_line


def test_a_real_installation_stays_as_it_is(siaga: Siaga, migrated: Siaga, tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text(REAL, encoding="utf-8")
    assert migrated("import", "staff", "staff.csv").status == 0
    assert siaga("user", "add", "admin", "--role", "admin", stdin="rahasia sekali\n").status == 0
    file = tmp_path / "var" / "siaga.db"
    before = everything_in(file)
    status, line = demo(siaga)
    assert status == 1
    assert line.startswith("SIAGA_DATABASE_URL: this database holds staff or users who are not the demo's;")
    assert everything_in(file) == before


def test_an_older_installation_is_not_even_migrated(siaga: Siaga, migrated: Siaga, tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text(REAL, encoding="utf-8")
    assert migrated("import", "staff", "staff.csv").status == 0
    file = tmp_path / "var" / "siaga.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0005'")
        connection.commit()
    before = everything_in(file)
    status, line = demo(siaga)
    assert (status, "not the demo's" in line) == (1, True)
    assert everything_in(file) == before


def test_a_provider_of_real_calls_is_refused(siaga: Siaga, tmp_path: Path) -> None:
    status, line = demo(
        siaga,
        SIAGA_TELEPHONY="twilio",
        SIAGA_TWILIO_ACCOUNT_SID="AC911",
        SIAGA_TWILIO_AUTH_TOKEN="a token",
        SIAGA_TWILIO_NUMBER="+62911000911",
    )
    assert (status, line.partition(";")[0]) == (1, "SIAGA_TELEPHONY: the demo rings simulated phones alone")
    assert list(tmp_path.iterdir()) == []
