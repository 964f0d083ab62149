"""The facility file: the sample, and what is refused by file, key and reason (CONTRACT 2)."""

from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.facility import SHIPPED, FacilityError, load_facility
from dashboards.reports.house import WEIGHTS

GOOD = {
    "code": '"PTG"',
    "name": '"Puskesmas Contoh"',
    "timezone": '"Asia/Jayapura"',
    "lat": "-4.5",
    "lon": "136.9",
    "duty_phones": '["0811 0000 071"]',
    "handoff_phone": '"08114982800"',
}


WEIGHED = "".join(f"{key} = {weight}\n" for key, weight in WEIGHTS.items() if key != "novelty")
"""Weights of an innovation's sections but for one."""


def write(folder: Path, keys: dict[str, str], tables: str = "") -> Path:
    file = folder / "facility.toml"
    lines = [f"{key} = {value}" for key, value in keys.items()]
    file.write_text("\n".join(lines) + "\n" + tables, encoding="utf-8")
    return file


def test_the_sample_is_puskesmas_kwamki() -> None:
    facility = load_facility()
    assert (facility.code, facility.name) == ("KWK", "Puskesmas Kwamki")
    assert facility.zone == ZoneInfo("Asia/Jayapura")
    assert (facility.lat, facility.lon) == (-4.5205, 136.9001)
    assert facility.handoff_phone == "+628114982800"
    assert facility.targets == {"answer": 15, "response": 600}
    assert facility.report.letterhead[-1] == "DINAS KESEHATAN"
    assert (facility.report.few, facility.report.shifts[0]) == (20, time(8))
    assert (facility.report.signatory.place, facility.report.signatory.name) == ("Timika", "")
    assert facility.report.innovation.name == "911 Puskesmas Kwamki"
    assert facility.report.innovation.limits == {"summary": 200}
    assert facility.retention == {"calls": 90, "recordings": 90, "incidents": 0}


def test_every_number_of_the_sample_but_one_is_invented() -> None:
    facility = load_facility()
    numbers = [*facility.duty_phones, *facility.witnesses]
    assert numbers
    assert all(number.startswith("+6281100000") for number in numbers)
    assert "INVENTED" in SHIPPED.read_text(encoding="utf-8")


def test_numbers_may_be_spelled_as_people_spell_them(tmp_path: Path) -> None:
    facility = load_facility(write(tmp_path, GOOD))
    assert facility.duty_phones == ("+628110000071",)
    assert facility.handoff_phone == "+628114982800"
    assert facility.witnesses == ()
    assert facility.service_name == "911 Puskesmas Contoh"
    assert facility.announce_recording


ZONE = "[[zone]]\nname = '{}'\nplaces = {}\ntargets = {{ response = 9 }}\n"


@pytest.mark.parametrize(
    ("changes", "tables", "key", "reason"),
    [
        ({"code": '"kwk"'}, "", "code", "pattern"),
        ({"code": '"A-B"'}, "", "code", "pattern"),
        ({"name": '"  "'}, "", "name", "at least 1"),
        ({"name": '"two\\nlines"'}, "", "name", "pattern"),
        ({"timezone": '"Asia/Timika"'}, "", "timezone", "'Asia/Timika' is no time zone"),
        ({"timezone": '"../etc/passwd"'}, "", "timezone", "no time zone"),
        ({"lat": "-94.5"}, "", "lat", "greater than or equal to -90"),
        ({"lon": "236.9"}, "", "lon", "less than or equal to 180"),
        ({"lat": "nan"}, "", "lat", "finite"),
        ({"lat": '"-4.5"'}, "", "lat", "valid number"),
        ({"duty_phones": "[]"}, "", "duty_phones", "at least 1"),
        ({"duty_phones": '["0811", "08110000071"]'}, "", "duty_phones[1]", "'0811' is no telephone number"),
        ({"duty_phones": '["08110000071", "+628110000071"]'}, "", "duty_phones", "+628110000071 twice"),
        ({"handoff_phone": '"119"'}, "", "handoff_phone", "'119' is no telephone number"),
        ({"witnesses": '["x"]'}, "", "witnesses[1]", "no telephone number"),
        ({"colour": '"blue"'}, "", "colour", "not a known key"),
        ({}, "[targets]\nresponse = 0\n", "targets.response", "greater than 0"),
        ({}, "[targets]\nrespons = 600\n", "targets.respons", "is no interval"),
        (
            {},
            ZONE.format("a", "['X']") + ZONE.format("b", "['x']"),
            "zone",
            "names the place 'x' twice",
        ),
        (
            {},
            "[[zone]]\nname = 'a'\nplaces = []\ntargets = { response = 9 }\n",
            "zone[1].places",
            "at least 1",
        ),
        ({}, "[retention]\ncalls = -1\n", "retention.calls", "greater than or equal to 0"),
        ({}, "[retention]\nsongs = 1\n", "retention.songs", "not a known key"),
        ({}, "[retention]\ncalls = 1.5\n", "retention.calls", "integer"),
        ({}, "[report]\nminimum = 31\n", "report.minimum", "less than or equal to 30"),
        ({}, '[report]\nshifts = ["20:00", "08:00"]\n', "report.shifts", "order of the day"),
        ({}, '[report]\nshifts = ["8"]\n', "report.shifts[1]", "pattern"),
        ({}, '[report.signatory]\nnip = "123"\n', "report.signatory.nip", "pattern"),
        ({}, "[report.innovation.weights]\nsummary = 100\n", "report.innovation.weights", "name each of"),
        ({}, f"[report.innovation.weights]\n{WEIGHED}novelty = 16\n", "report.innovation.weights", "101"),
        (
            {},
            f"[report.innovation.weights]\n{WEIGHED.replace('10', '9')}novelty = 16\n",
            "report.innovation",
            "name of their instrument",
        ),
        (
            {},
            "[report.innovation.limits]\nbenefit = 100\n",
            "report.innovation.limits.benefit",
            "is no section",
        ),
    ],
)
def test_a_bad_facility_is_refused_by_key(
    tmp_path: Path, changes: dict[str, str], tables: str, key: str, reason: str
) -> None:
    file = write(tmp_path, GOOD | changes, tables)
    with pytest.raises(FacilityError) as raised:
        load_facility(file)
    assert raised.value.file == file
    assert raised.value.key == key
    assert reason in raised.value.reason


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_missing_key_is_named(tmp_path: Path, missing: str) -> None:
    file = write(tmp_path, {key: value for key, value in GOOD.items() if key != missing})
    with pytest.raises(FacilityError, match=f"{missing}: is missing"):
        load_facility(file)
