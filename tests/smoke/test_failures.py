"""What people experience when something fails (DESIGN 6)."""

from dispatch.domain.vocabulary import IncidentStatus
from tests.smoke.town import LEADER, MIDWIFE, NURSE, RESIDENT, Hurry, Town


def test_a_call_outlives_the_process_that_took_it(town_on_any_database: Town) -> None:
    town = town_on_any_database
    # Without its engine the program takes calls and alerts nobody: the power fails between the two.
    town.opens(with_engine=False)
    town.phone(RESIDENT).dials().hears("Puskesmas Kwamki").presses("1").hears("Tidak sadar")
    town.is_killed()

    town.serves()
    nurse, midwife = town.phone(NURSE), town.phone(MIDWIFE)
    midwife.is_alerted()
    nurse.is_alerted().picks_up().hears("Prioritas merah").presses("1").hears("Ketik menit").hangs_up()
    midwife.stops_ringing().reads("sudah diterima")
    # Nobody told the program that the caller's line went dead too: it brings the nurse into the room.
    nurse.rings().rejects()

    assert town.incident().status == IncidentStatus.ACCEPTED


def test_the_ladder_is_climbed_again_and_again_while_every_phone_is_off(town: Town) -> None:
    town.opens(Hurry(accept_within_s=0.5, repeat_s=1.0, channels=("voice",)))
    resident, leader = town.phone(RESIDENT), town.phone(LEADER)
    for phone in town.staff_phones():
        phone.switches_off()

    resident.dials().hears("Puskesmas Kwamki").presses("1")
    town.waits_until("the last tier was asked a third time", lambda: town.times_asked("N11") >= 3)
    leader.switches_on().rings().picks_up().hears("Tekan 1").presses("1").hears("Ketik menit").presses("7#")
    resident.talks_to(leader)

    assert town.incident().status == IncidentStatus.ACCEPTED
