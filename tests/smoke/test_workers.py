"""How workers answer: by key, by text, on their page, and not at all."""

import re
from urllib.parse import urlsplit

import httpx

from dispatch.domain.vocabulary import AssignmentStatus, IncidentStatus
from tests.smoke.town import CALL_TAKER, DRIVER, MIDWIFE, NURSE, RESERVE, RESIDENT, Hurry, Town

LINK = re.compile(r"http://\S+/w/\w+")


def test_who_declines_makes_room_for_the_next_at_once(town: Town) -> None:
    town.opens(Hurry(accept_within_s=300))
    resident, nurse = town.phone(RESIDENT), town.phone(NURSE)
    midwife, driver = town.phone(MIDWIFE), town.phone(DRIVER)

    resident.dials().hears("Puskesmas Kwamki").presses("1")
    nurse.is_alerted().picks_up().hears("Tekan 2").presses("2").hears("Anda menolak").is_off_the_line()
    midwife.is_alerted().rejects().texts("2 banjir").reads("MENOLAK")
    driver.is_alerted().picks_up().hears("Tekan 1").presses("1").hears("Ketik menit").presses("20#")
    resident.talks_to(driver)

    assert town.standing("N01") == town.standing("N02") == AssignmentStatus.DECLINED


def test_a_call_taker_talks_while_alerting_goes_on(town: Town) -> None:
    town.opens(Hurry(accept_within_s=300), on_duty={"jaga": ("N13", "N01"), "cadangan": (), "pimpinan": ()})
    resident, call_taker, nurse = town.phone(RESIDENT), town.phone(CALL_TAKER), town.phone(NURSE)

    resident.dials().hears("Puskesmas Kwamki").presses("1")
    nurse.is_alerted()
    call_taker.is_alerted().picks_up().hears("Tekan 1").presses("1").hears("Ketik menit").presses("1#")
    resident.talks_to(call_taker)
    assert town.incident().status == IncidentStatus.ALERTING

    nurse.picks_up().hears("Tekan 1").presses("1").hears("Ketik menit").presses("9#")
    resident.talks_to(call_taker, nurse)
    call_taker.hangs_up()
    resident.talks_to(nurse)
    assert town.incident().status == IncidentStatus.ACCEPTED


def test_who_accepts_by_text_is_called_into_the_room(town: Town) -> None:
    town.opens()
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)

    resident.dials().hears("Puskesmas Kwamki").presses("1")
    midwife.is_alerted()
    nurse.is_alerted().rejects().texts("ya 10").reads("MENERIMA")
    midwife.stops_ringing().reads("sudah diterima")
    nurse.rings().picks_up().hears("Penelepon menunggu")
    resident.talks_to(nurse)


def test_picking_up_after_accepting_by_text_leads_straight_to_the_caller(town: Town) -> None:
    town.opens()
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)

    resident.dials().hears("Puskesmas Kwamki").presses("1")
    midwife.is_alerted()
    nurse.is_alerted().texts("1").reads("MENERIMA")
    midwife.stops_ringing().reads("sudah diterima")
    nurse.picks_up().hears("Penelepon menunggu")
    resident.talks_to(nurse)


def test_the_page_behind_the_link_does_what_the_keys_do(town: Town) -> None:
    town.opens()
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)

    resident.dials().hears("Puskesmas Kwamki").presses("1")
    midwife.is_alerted()
    link = LINK.search(nurse.rings().rejects().reads("DARURAT"))
    assert link is not None
    page = urlsplit(link[0]).path
    with httpx.Client(base_url=town.served.url, trust_env=False) as web:
        assert "Terima" in web.get(page).raise_for_status().text
        assert web.post(f"{page}/act", data={"action": "accept"}).is_redirect
        midwife.stops_ringing().reads("sudah diterima")
        nurse.rings().picks_up().hears("Penelepon menunggu")
        resident.talks_to(nurse)
        nurse.hangs_up()
        for action in ("en_route", "on_scene", "available"):
            assert web.post(f"{page}/act", data={"action": action}).is_redirect

    resident.hears("Petugas sudah menerima laporan Anda").is_off_the_line()
    assert town.incident().status == IncidentStatus.CLOSED


def test_more_help_rings_the_next_one(town: Town) -> None:
    town.opens(Hurry(accept_within_s=300))
    resident, nurse, midwife = town.phone(RESIDENT), town.phone(NURSE), town.phone(MIDWIFE)
    driver = town.phone(DRIVER)

    resident.dials().hears("Puskesmas Kwamki").presses("2")
    midwife.is_alerted()
    nurse.is_alerted().picks_up().hears("Tekan 1").presses("1").hears("Ketik menit").presses("3#")
    midwife.stops_ringing().reads("sudah diterima")
    resident.talks_to(nurse)
    nurse.hangs_up()
    nurse.texts("bantu").reads("Bantuan diminta")
    driver.is_alerted().picks_up().hears("Tekan 1").presses("1").hears("Anda mendukung")


def test_texts_outside_an_emergency_ring_nobody(town: Town) -> None:
    town.opens()
    nurse, reserve = town.phone(NURSE), town.phone(RESERVE)

    nurse.texts("istirahat").reads("ISTIRAHAT")
    nurse.texts("hadir").reads("HADIR")
    reserve.texts("selamat pagi 🙂").reads("Tidak dimengerti")
    reserve.texts("1").reads("Tidak ada panggilan yang menunggu")

    assert town.incidents() == []
