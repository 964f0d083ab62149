"""Texts coming in: kept as they are, answered in one segment, repeated without effect."""

import pytest

from models.incident import Assignment, Call, Incident
from models.record import PrivateValue
from tests.contract.site import PAYLOADS, RESIDENT, Site, fields_of, payload, said, text, verbs

NURSE = "+628110000001"

RESIDENTS = (
    "sms-incoming",
    "sms-incoming-emoji",
    "sms-incoming-long",
    "sms-incoming-sql",
    "sms-incoming-html",
    "sms-incoming-media",
)
MACHINES = ("sms-incoming-operator", "sms-incoming-short-code")
WORKERS = ("sms-incoming-worker",)


def test_every_recorded_text_is_in_one_of_the_lists() -> None:
    assert {path.stem for path in PAYLOADS.glob("sms-*.txt")} == {*RESIDENTS, *MACHINES, *WORKERS}


def test_a_residents_text_is_an_incident_with_its_words_unchanged(site: Site) -> None:
    for name in RESIDENTS:
        answer = site.send("/telephony/sms", payload(name))
        assert (name, verbs(answer)) == (name, ["Message"])
        (incident,) = site.rows(Incident)
        assert f"nomor {incident.short_number}" in said(answer)
        written = fields_of(payload(name))
        ring = next(row for row in site.rows(Call) if row.provider_sid == written["MessageSid"])
        assert (ring.channel, ring.caller_number, ring.incident_id) == ("sms", RESIDENT, incident.id)
        assert written in site.kept("sms")
        assert written["Body"] == "" or written["Body"] in [row.value for row in site.rows(PrivateValue)]
    assert len(site.rows(Call)) == len(RESIDENTS)


def test_a_machines_text_is_logged_and_rings_nobody(site: Site) -> None:
    for name in MACHINES:
        assert (name, verbs(site.send("/telephony/sms", payload(name)))) == (name, [])
    assert site.rows(Incident) == []
    assert [(row.incident_id, row.outcome) for row in site.rows(Call)] == [(None, "information")] * 2
    assert site.stored()["delivery"] == 0


def test_a_repeated_text_changes_nothing_and_gets_the_same_answer(site: Site) -> None:
    first = site.send("/telephony/sms", payload("sms-incoming"))
    before = site.stored()
    again = site.send("/telephony/sms", payload("sms-incoming"))
    assert again.content == first.content
    assert site.stored() == before


def test_a_second_text_joins_the_open_incident(site: Site) -> None:
    first = site.send("/telephony/sms", text("Tolong", 1))
    second = site.send("/telephony/sms", text("Cepat", 2))
    assert said(first) == said(second)
    assert len(site.rows(Incident)) == 1
    assert len(site.rows(Call)) == 2


def test_a_worker_accepts_by_text_and_hears_what_was_understood(site: Site) -> None:
    site.send("/telephony/sms", payload("sms-incoming"))
    asked = next(iter(site.rows(Assignment)))
    staff_phone = {a.staff_code: a for a in site.rows(Assignment)}
    number = f"+62811000000{asked.staff_code[-1]}" if asked.staff_code < "N10" else NURSE
    assert asked.staff_code in staff_phone
    answer = site.send("/telephony/sms", text("1 10", 2, sender=number))
    assert "MENERIMA" in said(answer)
    assert "10 menit" in said(answer)
    before = site.stored()
    again = site.send("/telephony/sms", text("1 10", 2, sender=number))
    assert said(again) == said(answer)
    assert site.stored() == before
    accepted = [a for a in site.rows(Assignment) if a.status == "accepted"]
    assert [(a.staff_code, a.is_primary, a.minutes) for a in accepted] == [(asked.staff_code, True, 10)]


@pytest.mark.parametrize(
    "words", ["apa kabar", "🚑🚑🚑", "", "   ", "x" * 10_240, "'; DROP TABLE staff; --", "<b>1</b>", "99 1"]
)
def test_a_workers_text_is_never_answered_with_silence(shared_site: Site, words: str) -> None:
    number = len(shared_site.kept("sms")) + 1
    answer = shared_site.send("/telephony/sms", text(words, number, sender=NURSE))
    assert verbs(answer) == ["Message"]
    assert said(answer).strip()
    assert len(said(answer)) <= 160


def test_a_text_without_an_identifier_is_kept_for_a_person_to_read(site: Site) -> None:
    answer = site.send("/telephony/sms", {"From": RESIDENT, "Body": "Tolong"})
    assert verbs(answer) == []
    assert site.kept("malformed") == [{"path": "/telephony/sms", "From": RESIDENT, "Body": "Tolong"}]


def test_an_old_identifier_alone_is_enough(sqlite_site: Site) -> None:
    fields = {name: value for name, value in text("Tolong").items() if name != "MessageSid"}
    assert verbs(sqlite_site.send("/telephony/sms", fields)) == ["Message"]
