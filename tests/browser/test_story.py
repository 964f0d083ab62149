"""The main story as people see it, walked in a real browser: simulator, board, a worker's page, the log."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dispatch.domain.vocabulary import UserRole
from tests.browser.watched import Watched
from tests.smoke.town import DRIVER, MIDWIFE, NURSE, RESIDENT, Hurry, Town

pytestmark = pytest.mark.browser

PASSWORD = "pita-biru-kapal"


def card(page: Page, number: str) -> Locator:
    """A phone on the simulator's page."""
    digits = re.sub(r"\D", "", number).removeprefix("0")
    return page.locator(f'article[data-number="+62{digits}"]')


def press(phone: Locator, button: str) -> None:
    phone.get_by_role("button", name=button, exact=True).click()


def log_in(page: Page, name: str = "petugas") -> None:
    page.goto("/")
    page.get_by_label("Nama pengguna").fill(name)
    page.get_by_label("Kata sandi").fill(PASSWORD)
    page.get_by_role("button", name="Masuk").click()
    expect(page).to_have_url(re.compile("/(board|incidents)$"))


def test_the_story_is_walked_in_a_browser(town: Town, browser: Browser) -> None:
    town.opens(Hurry(accept_within_s=3))
    town.welcomes("petugas", PASSWORD, UserRole.DISPATCHER)
    town.welcomes("kepala", PASSWORD, UserRole.MANAGER)
    desk = Watched(browser, town.served.url)
    board = desk.page
    board.goto("/login")
    desk.looks_at(board)
    log_in(board)
    expect(board.get_by_text("Tidak ada insiden yang berjalan")).to_be_visible()
    desk.looks_at(board)

    phones = desk.another()
    phones.goto("/simulator")
    resident, driver = card(phones, RESIDENT), card(phones, DRIVER)
    call_and_let_two_ring_out(phones)
    expect(board.get_by_text("Sedang dipanggil").first).to_be_visible()
    desk.looks_at(board)

    press(driver, "Angkat")
    expect(driver.get_by_text("Prioritas merah")).to_be_visible()
    desk.looks_at(phones)
    press(driver, "Tombol 1")
    expect(driver.get_by_text("Ketik menit")).to_be_visible()
    press(driver, "Tombol 9")
    press(driver, "Tombol #")
    expect(phones.locator("#connections")).to_contain_text("Tersambung")
    expect(phones.locator("#connections")).to_contain_text("Ibu Warga")
    expect(phones.locator("#connections")).to_contain_text("Contoh Lima")
    for other in (NURSE, MIDWIFE):
        expect(card(phones, other).get_by_text("sudah diterima oleh Contoh Lima")).to_be_visible()
        expect(card(phones, other)).to_have_attribute("data-state", "idle")
    press(resident, "Tutup")

    work_through_the_page_behind_the_link(desk, board, driver)
    look_at_the_record(desk, board)
    assert desk.complaints == []
    desk.close()


def call_and_let_two_ring_out(phones: Page) -> None:
    resident = card(phones, RESIDENT)
    press(resident, "Telepon 911")
    expect(resident.get_by_text("911 Puskesmas Kwamki")).to_be_visible()
    for number in (NURSE, MIDWIFE):
        expect(card(phones, number)).to_have_attribute("data-state", "ringing")
    press(resident, "Tombol 1")
    expect(resident.get_by_text("Tidak sadar atau tidak bernapas.")).to_be_visible()
    expect(card(phones, DRIVER)).to_have_attribute("data-state", "ringing")


def work_through_the_page_behind_the_link(desk: Watched, board: Page, phone: Locator) -> None:
    with desk.page.context.expect_page() as opened:
        phone.locator(".texts a").first.click()
    own = opened.value
    own.set_viewport_size({"width": 360, "height": 740})
    desk.looks_at(own)
    for button, seen_on_board in (("Berangkat", "berangkat"), ("Tiba", "di lokasi")):
        own.get_by_role("button", name=re.compile(button)).first.click()
        expect(board.locator("#live")).to_contain_text(re.compile(seen_on_board, re.IGNORECASE))
    own.get_by_role("button", name=re.compile("Selesai")).click()
    expect(own.get_by_text("Insiden ini sudah selesai")).to_be_visible()
    desk.looks_at(own)
    expect(board.get_by_text("Tidak ada insiden yang berjalan")).to_be_visible()


def look_at_the_record(desk: Watched, page: Page) -> None:
    page.goto("/incidents")
    desk.looks_at(page)
    page.get_by_role("link", name=re.compile(r"KWK-\d{4}-000100")).click()
    for source in ("telepon", "tombol telepon", "halaman web", "program ini"):
        expect(page.locator("main")).to_contain_text(source)
    desk.looks_at(page)
    page.goto("/roster")
    expect(page.get_by_text("Contoh Lima").first).to_be_visible()
    desk.looks_at(page)
    page.goto("/reports")
    # The newest month is offered first: this one, with the incident in it.
    page.locator("select[name=period]").select_option(index=0)
    page.get_by_role("button", name="Tampilkan").click()
    expect(page.locator("article.report")).to_contain_text("Waktu tanggap")
    desk.looks_at(page)
    page.get_by_role("button", name="Keluar").click()
    log_in(page, "kepala")
    page.goto("/evidence")
    expect(page.get_by_role("button", name=re.compile("Paket bukti bulan lalu"))).to_be_visible()
    desk.looks_at(page)


def test_pages_speak_indonesian_unless_asked_for_english(town: Town, browser: Browser) -> None:
    town.opens()
    town.welcomes("petugas", PASSWORD, UserRole.DISPATCHER)
    desk = Watched(browser, town.served.url)
    page = desk.page
    log_in(page)
    expect(page.locator("html")).to_have_attribute("lang", "id")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Live incidents")).to_be_visible()
    page.goto("/incidents")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    desk.looks_at(page)
    page.goto("/simulator")
    expect(page.get_by_role("heading", name="Phone simulator")).to_be_visible()
    desk.looks_at(page)
    page.get_by_role("link", name="Bahasa Indonesia").click()
    expect(page.get_by_role("heading", name="Simulator telepon")).to_be_visible()
    assert desk.complaints == []
    desk.close()
