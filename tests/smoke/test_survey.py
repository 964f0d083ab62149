"""The phone rings once more, for an opinion: nine questions by keypad, on the whole program."""

from dispatch.domain.questionnaire import FORM_ORDER, RequestState
from tests.smoke.handsets import Handset
from tests.smoke.town import MIDWIFE, NURSE, RESIDENT, Town


def after_an_emergency(town: Town) -> Handset:
    """Somebody whose emergency is over, and whom nobody rings any more."""
    town.opens()
    resident = town.phone(RESIDENT)
    resident.dials().hears("Tekan 1")
    workers = [town.phone(NURSE), town.phone(MIDWIFE)]
    for worker in workers:
        worker.is_alerted()
    resident.presses("9").is_off_the_line()
    for worker in workers:
        worker.stops_ringing().reads("sudah ditutup")
    return resident


def becomes(town: Town, state: RequestState) -> None:
    town.waits_until(f"the request is {state}", lambda: town.opinion()[0] == state)


def test_nine_questions_are_answered_by_keypad_and_a_wrong_key_asks_again(town: Town) -> None:
    resident = after_an_emergency(town)
    town.asks_for_an_opinion()
    resident.rings().picks_up().hears("bukan keadaan darurat").presses("1")
    resident.hears("Pertanyaan 1 dari 9. Bagaimana pendapat Saudara").presses("7")
    resident.hears("Tekan 4 untuk sangat sesuai").presses("4")
    for number in range(2, 10):
        resident.hears(f"Pertanyaan {number} dari 9").presses("3")
    resident.hears("Semua jawaban Anda tersimpan").is_off_the_line()
    becomes(town, RequestState.ANSWERED)
    assert town.opinion()[1] == {**dict.fromkeys(map(str, FORM_ORDER), 3), "persyaratan": 4}
