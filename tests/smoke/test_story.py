"""The main story, from the call to the last time on record (CONTRACT 3 to 5)."""

from dispatch.domain.vocabulary import IncidentStatus
from tests.smoke.town import DRIVER, MIDWIFE, NURSE, RESIDENT, Hurry, Town

STEPS = (
    "received_at",
    "alerted_at",
    "accepted_at",
    "answered_at",
    "en_route_at",
    "on_scene_at",
    "available_at",
)


def test_a_call_becomes_help(town_on_any_database: Town) -> None:
    town = town_on_any_database
    town.opens(Hurry(accept_within_s=1.5))
    resident, nurse = town.phone(RESIDENT), town.phone(NURSE)
    midwife, driver = town.phone(MIDWIFE), town.phone(DRIVER)

    resident.dials().hears("911 Puskesmas Kwamki").presses("1")
    nurse.is_alerted()
    midwife.is_alerted()
    resident.hears("Tidak sadar atau tidak bernapas")

    # Nobody picks up: the next one rings while the first two still do.
    driver.is_alerted().picks_up().hears("Prioritas merah").presses("1")
    driver.hears("Anda penanggung jawab").presses("10#")
    resident.talks_to(driver)
    for other in (nurse, midwife):
        other.stops_ringing().reads("sudah diterima oleh Contoh Lima")

    driver.hangs_up()
    resident.hears("Petugas sudah menerima laporan Anda").is_off_the_line()
    driver.texts("3").reads("BERANGKAT")
    driver.texts("4").reads("TIBA")
    driver.texts("5").reads("SELESAI")

    incident = town.incident()
    assert incident.status == IncidentStatus.CLOSED
    times = [getattr(incident, name) for name in STEPS]
    assert None not in times
    assert times == sorted(times)
    assert incident.closed_at == incident.available_at
