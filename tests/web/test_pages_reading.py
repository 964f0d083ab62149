"""What the pages show: on an empty and on a sample database, to each role, in both languages."""

from collections.abc import Iterator
from html import escape

import pytest

from models.traffic import Pulse
from tests.web.sample_site import CALLER, NASTY, SampleSite, an_outage, at, call, incident, silent_engine
from tests.web.visitor import Visitor

OPEN_PAGES = ("/board", "/board/live", "/incidents", "/roster")
SAMPLE_PAGES = (
    *OPEN_PAGES,
    "/incidents/KWK-2026-000100",
    "/incidents/KWK-2026-000101",
    "/incidents/KWK-2026-000102",
)
LOCAL_CALLER = "0811-0000-201"


@pytest.fixture
def empty_site(database_url: str) -> Iterator[SampleSite]:
    sample = SampleSite(database_url)
    yield sample
    sample.close()


@pytest.fixture
def site(empty_site: SampleSite) -> SampleSite:
    empty_site.fill()
    return empty_site


def signed_in(site: SampleSite, role: str = "dispatcher") -> Visitor:
    visitor = Visitor(site.app)
    assert visitor.logs_in(role).status_code == 303
    return visitor


def test_every_page_stands_on_an_empty_database(empty_site: SampleSite) -> None:
    visitor = signed_in(empty_site)

    assert [visitor.opens(page).status_code for page in OPEN_PAGES] == [200] * len(OPEN_PAGES)
    assert "Tidak ada insiden yang berjalan." in visitor.opens("/board").text
    assert "Tidak ada insiden yang cocok." in visitor.opens("/incidents").text
    assert "Tidak ada yang berjaga" in visitor.opens("/roster").text


def test_every_page_is_kept_from_caches_frames_and_foreign_scripts(site: SampleSite) -> None:
    visitor = signed_in(site)
    for page in (*SAMPLE_PAGES, "/incidents/KWK-2026-999999"):
        response = visitor.opens(page)
        policy = response.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "same-origin"
        assert "<script>" not in response.text
        assert " style=" not in response.text
        assert "http://" not in response.text
        assert "https://" not in response.text


def test_free_text_is_shown_and_does_nothing(site: SampleSite) -> None:
    visitor = signed_in(site)
    for page in ("/board", "/incidents/KWK-2026-000101"):
        text = visitor.opens(page).text
        assert str(escape(NASTY, quote=False))[:30] in text
        assert NASTY not in text
        assert "{{ 7*7 }}" in text


def test_numbers_are_shown_to_dispatchers_only(site: SampleSite) -> None:
    for role in ("admin", "dispatcher"):
        visitor = signed_in(site, role)
        for page in ("/board", "/incidents", "/incidents/KWK-2026-000101"):
            assert LOCAL_CALLER in visitor.opens(page).text
    for role in ("manager", "auditor", "worker"):
        visitor = signed_in(site, role)
        for page in SAMPLE_PAGES:
            text = visitor.opens(page).text
            assert LOCAL_CALLER not in text
            assert CALLER not in text
        assert "+62811•••••01" in visitor.opens("/incidents/KWK-2026-000101").text


def test_the_board_says_who_is_rung_and_what_failed(site: SampleSite) -> None:
    text = signed_in(site).opens("/board").text

    assert text.index("KWK-2026-000101") < text.index("KWK-2026-000102") < text.index("KWK-2026-000100")
    assert "Sedang dipanggil" in text
    assert "sisa" in text
    assert "30003" in text
    assert "1 belum ada petugas" in text
    assert "masih tersambung" in text
    assert "Berjaga sekarang" in text
    assert "istirahat" in text


def test_a_silent_engine_is_said_at_once(site: SampleSite) -> None:
    visitor = signed_in(site)
    assert "Mesin pemanggil diam" not in visitor.opens("/board").text

    with site.uow.write() as db:
        silent_engine(db)

    assert "Mesin pemanggil diam sejak" in visitor.opens("/board").text


def test_the_board_tells_calmly_when_the_service_was_away_in_this_shift(site: SampleSite) -> None:
    visitor = signed_in(site)
    before = visitor.opens("/board/live").headers["etag"]
    assert "Layanan tidak berjalan" not in visitor.opens("/board").text
    with site.uow.write() as db:
        an_outage(db, "silent", -180, -60)
        # A restart is no news, and yesterday is for the report.
        an_outage(db, "stopped", -30, -30)
        an_outage(db, "database", -1500, -1400)
    page = visitor.opens("/board/live")
    assert page.headers["etag"] != before
    assert page.text.count("Layanan tidak berjalan") == 1
    assert "program tidak berjalan, atau listrik padam" in page.text


def test_what_lasts_for_days_shows_its_dates_and_says_that_it_is_open_for_long(site: SampleSite) -> None:
    visitor = signed_in(site)
    assert "Terbuka lebih dari 24 jam" not in visitor.opens("/board").text
    site.clock.advance(31 * 86400 + 3 * 60)
    with site.uow.write() as db:
        an_outage(db, "silent", 5, 31 * 24 * 60)
    visitor = signed_in(site)
    board = visitor.opens("/board").text
    assert "23 Nov 2026 21:05:00</time>–<time" in board
    assert ">21:00:00</time>:" in board
    assert ">31 hari 0:0" in board
    assert "Terbuka lebih dari 24 jam: tutup, atau catat apa yang masih berjalan." in board
    running = visitor.opens("/incidents/KWK-2026-000101").text
    assert "Terbuka lebih dari 24 jam" in running
    assert "23 Nov 2026 20:5" in running
    assert "Terbuka lebih dari 24 jam" not in visitor.opens("/incidents/KWK-2026-000100").text
    assert ">31 days 0:0" in visitor.opens("/board?lang=en").text


def test_what_the_watchdog_found_stands_on_the_board_and_is_sent_at_once(site: SampleSite) -> None:
    visitor = signed_in(site)
    tag = visitor.opens("/board/live", {"X-Live": "1"}).headers["etag"]
    with site.uow.write() as db:
        db.add(
            Pulse(
                name="watchdog",
                at=at(0),
                details={
                    "checked_at": at(0).isoformat(),
                    "findings": [
                        {
                            "check": "nobody_will_look",
                            "subject": "x",
                            "detail": "KWK-2026-000123 is open",
                            "since_at": at(-120).isoformat(),
                            "number": "KWK-2026-000123",
                            "short_number": 123,
                        }
                    ],
                    "told": {},
                },
            )
        )
    after = visitor.opens("/board/live", {"X-Live": "1", "If-None-Match": tag})
    assert after.status_code == 200
    assert "Penjaga sistem menemukan" in after.text
    assert "tidak ada yang dipanggil lagi" in after.text
    assert 'href="/incidents/KWK-2026-000123"' in after.text


def test_the_fragment_is_sent_only_when_something_changed(site: SampleSite) -> None:
    visitor = signed_in(site)
    first = visitor.opens("/board/live", {"X-Live": "1"})
    tag = first.headers["etag"]
    assert f'data-tag="{escape(tag)}"'.replace("&quot;", "&#34;") in visitor.opens("/board").text

    unchanged = visitor.opens("/board/live", {"X-Live": "1", "If-None-Match": tag})
    assert unchanged.status_code == 304
    assert unchanged.content == b""

    with site.uow.write() as db:
        call(db, incident(db, 103, received_at=at(-1)), 1)
    changed = visitor.opens("/board/live", {"X-Live": "1", "If-None-Match": tag})
    assert changed.status_code == 200
    assert "KWK-2026-000103" in changed.text


def test_every_line_of_the_timeline_names_its_source(site: SampleSite) -> None:
    text = signed_in(site).opens("/incidents/KWK-2026-000101").text

    assert text.count("sumber: ") == 5
    assert "Penelepon menekan 1: tidak sadar atau tidak bernapas" in text
    assert "Memanggil Maria Kogoya (N01), Yohanis Wanimbo (N02), regu jaga" in text
    assert "Yohanis Wanimbo (N02) menolak" in text
    assert "banjir" in text
    assert "dicatat 20:59:32" in text, "what was reported late says when it was recorded"
    assert text.count("dicatat ") == 1


def test_times_are_those_of_the_facility(site: SampleSite) -> None:
    text = signed_in(site).opens("/incidents/KWK-2026-000102").text

    assert "20:50:00" in text
    assert "23 Nov 2026" in text
    assert "WIT" in text


def test_the_log_filters(site: SampleSite) -> None:
    visitor = signed_in(site)

    def numbers(query: str) -> list[str]:
        text = visitor.opens(f"/incidents?{query}").text
        return [number for number in ("100", "101", "102") if f"KWK-2026-000{number}</a>" in text]

    assert numbers("") == ["100", "101", "102"]
    assert numbers("status=closed") == ["100"]
    assert numbers("status=running") == ["101", "102"]
    assert numbers("priority=yellow") == ["102"]
    assert numbers("number=101") == ["101"]
    assert numbers("number=kwk-2026-000102") == ["102"]
    assert numbers("number=%27%20OR%201%3D1") == []
    assert numbers("from=2026-11-24") == []
    assert numbers("to=2026-11-23") == []
    assert numbers("from=2026-11-23&to=2026-11-24") == ["100", "101", "102"]
    assert visitor.opens("/incidents?status=%00").status_code == 404
    assert numbers("from=&to=&status=nonsense") == []
    for query in ("from=abc", "to=31.12.2026"):
        refused = visitor.opens(f"/incidents?{query}")
        assert refused.status_code == 422
        assert "Tanggal: ditulis 2026-11-23" in refused.text


def test_the_log_counts_every_ring(site: SampleSite) -> None:
    text = signed_in(site).opens("/incidents").text

    assert "4 panggilan dalam rentang ini" in text
    assert "Bergabung ke insiden 1" in text


def test_the_log_goes_on_page_by_page(site: SampleSite) -> None:
    with site.uow.write() as db:
        for number in range(200, 320):
            incident(db, number, received_at=at(-number * 10), status="closed", closed_at=at(0))
    visitor = signed_in(site)
    seen: list[str] = []
    address = "/incidents"
    for _ in range(5):
        text = visitor.opens(address).text
        seen += [piece.split("<")[0] for piece in text.split('scope="row"><a href="/incidents/KWK')[1:]]
        if 'rel="next"' not in text:
            break
        address = "/incidents" + text.split('<a href="?')[-1].split('"')[0].replace("&amp;", "&").join(
            ["?", ""]
        )

    assert len(seen) == 123
    assert len(set(seen)) == 123


@pytest.mark.parametrize("number", ["KWK-2026-999999", "x", "KWK-2026-000101'", "%00"])
def test_what_is_not_there_is_said_calmly(site: SampleSite, number: str) -> None:
    response = signed_in(site).opens(f"/incidents/{number}")

    assert response.status_code == 404
    assert "Tidak ada apa-apa di sini" in response.text


def test_the_roster_flags_the_hours_in_which_nobody_is(site: SampleSite) -> None:
    text = signed_in(site).opens("/roster").text

    assert "Maria Kogoya" in text
    assert "tidak ada sepanjang hari" in text
    assert "istirahat" in text


def test_english_is_a_choice_that_stays(site: SampleSite) -> None:
    visitor = signed_in(site)
    assert 'lang="id"' in visitor.opens("/board").text

    assert "Live incidents" in visitor.opens("/board?lang=en").text
    assert "Incident log" in visitor.opens("/incidents").text
    assert "Catatan insiden" in visitor.opens("/incidents?lang=id").text
    assert "Catatan insiden" in visitor.opens("/incidents?lang=xx").text


def test_pages_travel_compressed_where_the_browser_can(site: SampleSite) -> None:
    visitor = signed_in(site)
    packed = visitor.opens("/board", {"Accept-Encoding": "gzip"})
    plain = visitor.opens("/board", {"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.text == plain.text


def test_static_files_are_kept_for_ever_under_a_name_of_their_content(site: SampleSite) -> None:
    visitor = Visitor(site.app)
    address = visitor.opens("/login").text.split('rel="stylesheet" href="')[1].split('"')[0]

    response = visitor.opens(address)

    assert response.status_code == 200
    assert "immutable" in response.headers["cache-control"]
    assert len(response.text) < 12_000
    assert visitor.opens("/static/siaga.css").status_code == 404
    assert visitor.opens("/static/..%2Fauth.py").status_code == 404
