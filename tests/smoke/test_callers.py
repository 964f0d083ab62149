"""What a caller may do, and what happens then: nothing that they do or leave undone loses the call."""

from dispatch.domain.vocabulary import CallOutcome, IncidentStatus, Outcome, Priority
from tests.smoke.town import DRIVER, MIDWIFE, NURSE, RESIDENT, Hurry, Town


def test_pressing_nothing_reaches_a_person(town: Town) -> None:
    town.opens()
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)

    resident.dials().hears("Tekan 1")
    midwife.is_alerted()
    resident.hears("Petugas sedang dihubungi. Jangan tutup telepon. PSC 119")
    nurse.is_alerted().picks_up().hears("belum diketahui").presses("1").hears("Ketik menit").presses("5#")
    resident.talks_to(nurse)
    midwife.stops_ringing().reads("sudah diterima")

    assert town.incident().priority == Priority.UNKNOWN


def test_a_wrong_number_ends_the_alerting(town: Town) -> None:
    town.opens()
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)

    resident.dials().hears("Puskesmas Kwamki")
    nurse.is_alerted()
    midwife.is_alerted()
    resident.presses("9").hears("salah sambung").is_off_the_line()
    for worker in (nurse, midwife):
        worker.stops_ringing().reads("sudah ditutup")

    incident = town.incident()
    assert (incident.status, incident.outcome) == (IncidentStatus.CLOSED, Outcome.WRONG_NUMBER)
    assert [call.outcome for call in town.calls()] == [CallOutcome.WRONG_NUMBER]


def test_who_hangs_up_early_is_called_back_by_who_accepts(town: Town) -> None:
    town.opens()
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)

    resident.dials().hears("Puskesmas Kwamki").hangs_up()
    midwife.is_alerted()
    nurse.is_alerted().picks_up().hears("Tekan 1").presses("1")
    midwife.stops_ringing().reads("sudah diterima")
    nurse.hears("Ketik menit").presses("5#")
    resident.rings().picks_up().hears("Anda baru saja menelepon").presses("3").hears("Melahirkan")
    resident.talks_to(nurse)

    town.waits_until("their meeting is on record", lambda: town.incident().answered_at is not None)
    incident = town.incident()
    assert (incident.priority, incident.category) == (Priority.YELLOW, "childbirth")
    assert len(town.calls()) == 1


def test_who_hangs_up_before_anybody_is_rung_is_called_back_at_once(town: Town) -> None:
    town.opens(Hurry(alert_after_s=30))
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)

    resident.dials().hears("Puskesmas Kwamki").hangs_up()
    resident.rings().picks_up().hears("Anda baru saja menelepon")
    midwife.is_alerted()
    nurse.is_alerted().picks_up().hears("Tekan 1").presses("1")
    midwife.stops_ringing().reads("sudah diterima")
    resident.hears("Tekan 1").presses("4").hears("Petugas segera dihubungi")
    nurse.hears("Ketik menit").presses("5#")
    resident.talks_to(nurse)


def test_a_second_call_of_the_same_caller_joins_the_first(town: Town) -> None:
    town.opens()
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)

    resident.dials().hears("Puskesmas Kwamki").presses("2").hears("perdarahan").hangs_up()
    nurse.is_alerted()
    midwife.is_alerted()
    resident.dials().hears("Puskesmas Kwamki").presses("2").hears("perdarahan")
    nurse.picks_up().hears("Tekan 1").presses("1").hears("Ketik menit").presses("5#")
    resident.talks_to(nurse)
    midwife.stops_ringing().reads("sudah diterima")

    number = town.incident().id
    assert [(call.outcome, call.incident_id) for call in town.calls()] == [
        (CallOutcome.INCIDENT, number),
        (CallOutcome.JOINED, number),
    ]


def test_a_withheld_number_never_joins(town: Town) -> None:
    town.opens()
    nurse, midwife, driver = town.phone(NURSE), town.phone(MIDWIFE), town.phone(DRIVER)
    resident, neighbour = town.phone(RESIDENT), town.another_resident()

    resident.dials(withheld=True).hears("Puskesmas Kwamki")
    midwife.is_alerted()
    nurse.is_alerted().picks_up().hears("Tekan 1").presses("1")
    midwife.stops_ringing().reads("sudah diterima")
    neighbour.dials(withheld=True).hears("Puskesmas Kwamki")
    driver.is_alerted()
    midwife.is_alerted().picks_up().hears("Tekan 1").presses("1").hears("Ketik menit").presses("5#")
    driver.stops_ringing().reads("sudah diterima")
    neighbour.presses("1").talks_to(midwife)

    assert [incident.caller_number for incident in town.incidents()] == [None, None]
    assert [call.outcome for call in town.calls()] == [CallOutcome.INCIDENT] * 2


def test_a_residents_text_is_an_emergency_too(town: Town) -> None:
    town.opens()
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)

    resident.texts("Tolong, Bapak jatuh dari pohon di Amole 🙏").reads("Pesan darurat Anda diterima")
    midwife.is_alerted()
    nurse.is_alerted().picks_up().hears("Tekan 1").presses("1")
    midwife.stops_ringing().reads("sudah diterima")
    nurse.hears("Ketik menit").presses("5#").is_off_the_line()
    nurse.texts("5").reads("SELESAI")

    assert town.incident().status == IncidentStatus.CLOSED
    assert [call.channel for call in town.calls()] == ["sms"]
