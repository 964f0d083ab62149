"""Takes the pictures of the README and the docs: a demonstration is started, a small scene is played in it.

One emergency has its worker on scene, a second one rings. People, numbers and words are those of the
demonstration, all invented. What the pages look like is the pages' own business.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from config.demo import LOGINS
from tests.chromium import ARGUMENTS, chromium_program
from tests.smoke.handsets import Exchange, Handset
from tests.smoke.served import ROOT, Served

PICTURES = ROOT / "docs" / "screenshots"
BYTES_MAX = 200_000
DESK: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 360, "height": 740}

CALL_TAKER = "Penerima telepon"
RESIDENT = "Warga"
LINK = re.compile(r"http://\S+/w/\w+")


class Scene:
    """The phones of the demonstration, and what happens on them."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def plays(self) -> tuple[str, str]:
        """Play both emergencies; gives the first worker's link and the number that the first one got."""
        residents, staff = self._people()
        first, second = residents[0], self._handset(self._exchange.add_resident())
        worker = next(phone for phone, role in staff if role != CALL_TAKER)
        first.dials().hears("Puskesmas").presses("1")
        alert = worker.rings().reads("DARURAT")
        worker.picks_up().hears("Tekan 1").presses("1").hears("Ketik menit").presses("9#").talks_to(first)
        worker.hangs_up()
        first.is_off_the_line()
        for step, words in (("3", "BERANGKAT"), ("4", "TIBA")):
            worker.texts(step).reads(words)
        self._quiet([phone for phone, _ in staff])
        second.dials().hears("Puskesmas").presses("3").hears("Melahirkan")
        for other in [phone for phone, _ in staff if phone is not worker][:1]:
            other.rings().reads("DARURAT")
        link = LINK.search(alert)
        assert link is not None, alert
        return link[0], alert.split()[1].rstrip(":")

    def _people(self) -> tuple[list[Handset], list[tuple[Handset, str]]]:
        phones = self._exchange.snapshot()["phones"]
        handsets = [(self._handset(phone["number"]), phone["role"]) for phone in phones]
        return (
            [handset for handset, role in handsets if role == RESIDENT],
            [(handset, role) for handset, role in handsets if role != RESIDENT],
        )

    def _handset(self, number: str) -> Handset:
        return Handset(lambda: self._exchange, number)

    def _quiet(self, phones: list[Handset]) -> None:
        for phone in phones:
            phone.stops_ringing()


class Camera:
    """A browser that has logged in, and writes what it sees."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._desk = self._context(DESK)

    def logs_in(self) -> None:
        """Log in as the demonstration's dispatcher."""
        login = next(login for login in LOGINS if login.username == "dispatcher")
        page = self._desk.new_page()
        page.goto("/login")
        page.locator("input[name=username]").fill(login.username)
        page.locator("input[name=password]").fill(login.password)
        page.locator("form[action='/login'] button").click()
        expect(page).to_have_url(re.compile("/board$"))
        page.close()

    def places(self, number: str, place: str, words: str) -> None:
        """Enter as the dispatcher what the caller said about where it is."""
        with self._open("/board") as page:
            page.locator(f"a[href$='{number}']").first.click()
            form = page.locator("details:has(input[value=set_location])")
            form.locator("summary").click()
            form.locator("input[name=place]").fill(place)
            form.locator("textarea[name=text]").fill(words)
            form.locator("button").click()
            page.wait_for_load_state()

    def takes(self, name: str, path: str, *, follow: str = "") -> None:
        """Write the picture *name* of the page at *path*, or of the page behind its link *follow*."""
        with self._open(path) as page:
            if follow:
                page.locator(f"a[href$='{follow}']").first.click()
                page.wait_for_load_state()
            _write(page, name)

    def takes_on_a_phone(self, name: str, address: str) -> None:
        """The same on a telephone's screen, without a log-in."""
        context = self._context(PHONE)
        page = context.new_page()
        page.goto(address)
        _write(page, name)
        context.close()

    def _context(self, size: ViewportSize) -> BrowserContext:
        return self._browser.new_context(
            base_url=self._url,
            viewport=size,
            locale="id-ID",
            timezone_id="Asia/Jayapura",
            reduced_motion="reduce",
        )

    @contextmanager
    def _open(self, path: str) -> Iterator[Page]:
        page = self._desk.new_page()
        page.goto(path)
        # The simulator's cards and the board's counters come a moment after the page.
        page.wait_for_load_state("load")
        if path == "/simulator":
            expect(page.locator("article.phone").first).to_be_visible()
        yield page
        page.close()


def _write(page: Page, name: str) -> None:
    file = PICTURES / f"{name}.png"
    page.screenshot(path=file, animations="disabled", caret="hide")
    size = file.stat().st_size
    assert size <= BYTES_MAX, f"{file} has {size} bytes, at most {BYTES_MAX} are wanted"
    print(f"{file.relative_to(ROOT)}  {size // 1000} kB")


def main() -> None:
    """Take all pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="siaga-pictures-") as folder, sync_playwright() as playwright:
        data = Path(folder)
        served = Served(data, {"SIAGA_DATABASE_URL": f"sqlite:///{data / 'siaga.db'}"})
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=list(ARGUMENTS))
        try:
            served.start("--demo")
            exchange = Exchange(served.url)
            link, number = Scene(exchange).plays()
            camera = Camera(browser, served.url)
            camera.logs_in()
            camera.places(number, "Amole", "Rumah papan biru dekat gereja")
            camera.takes("board", "/board")
            camera.takes("simulator", "/simulator")
            camera.takes("incident", "/board", follow=number)
            camera.takes_on_a_phone("worker", link)
            camera.takes("roster", "/roster")
            exchange.close()
        finally:
            browser.close()
            served.stop()
        if errors := served.errors():
            sys.exit("\n".join(errors))


if __name__ == "__main__":
    main()
