"""The texts that leave the house: each fits one GSM-7 segment of 160 characters (CONTRACT 4).

The number, the keys and the link are never shortened; the place is, when it must be.
"""

from dispatch.domain.effects import CallerNews, Purpose, StandDownReason
from dispatch.domain.segments import Elastic, compose, fit_segment
from dispatch.ports import MessageFacts
from dispatch.service import callers_alone, checks, invariants, watchdog
from telephony.prompts import CATEGORY_WORDS, PRIORITY_WORDS

_FOUND = {
    invariants.ENGINE_SILENT: "mesin diam, petugas TIDAK dipanggil. Panggil petugas jaga sendiri",
    invariants.ALERT_NOT_LEFT: "{call}: belum ada petugas terhubung. Panggil petugas jaga sendiri",
    callers_alone.CALLER_LEFT_ALONE: "{call}: penelepon menunggu, tidak ada yang dipanggil untuknya",
    callers_alone.CALLER_NOT_REACHED: "{call}: penelepon belum dapat dihubungi kembali. Cari cara lain",
    invariants.NOBODY_WILL_LOOK: "{call} tanpa penanggung jawab, tidak ada yang dipanggil lagi",
    invariants.DEADLINE_OVERDUE: "{call}: petugas berikutnya terlambat dipanggil",
    invariants.CALL_WITHOUT_INCIDENT: "ada panggilan masuk yang tidak menjadi insiden",
    invariants.KEPT_WITHOUT_CALL: "ada panggilan diterima yang tidak tercatat",
    invariants.DELIVERY_STUCK: "{call}: telepon atau SMS tidak terkirim",
    invariants.NOT_ONE_PRIMARY: "{call}: penanggung jawab tidak tepat satu",
    invariants.RECORD_NOT_INTACT: "catatan tidak utuh. Jangan ubah apa pun",
    invariants.CLOCK_WRONG: "jam mesin salah",
    invariants.CALL_WITHOUT_ENDING: "{call}: tidak diketahui selesainya",
    invariants.LOG_UNREAD: "log penyedia telepon tidak terbaca",
    invariants.BACKUP_MISSING: "tidak ada cadangan data baru",
    invariants.SEAL_MISSING: "catatan hari kemarin belum disegel",
    checks.JOURNAL_WAITING: "yang disimpan belum masuk papan. Tanya petugas jaga siapa yang menelepon",
    checks.JOURNAL_LAID_ASIDE: "ada permintaan tertinggal, mungkin panggilan yang tidak ada di papan",
    watchdog.CHECK_FAILED: "pemeriksaan sistem gagal",
}
"""What the watchdog found, for supervisors who sit at no screen."""

_NEWS = {
    CallerNews.TEXTED: "mengirim SMS lagi",
    CallerNews.RANG: "menelepon lagi dan tidak tersambung",
    CallerNews.UNHEARD: "belum dapat diajak bicara",
}
"""What a worker who accepted is told of the caller."""


class IndonesianWording:
    """Puts outgoing texts into words."""

    def text(self, facts: MessageFacts) -> str:
        """One segment about *facts*."""
        match facts.purpose:
            case Purpose.ALERT | Purpose.DETAILS:
                return self._alert(facts)
            case Purpose.STAND_DOWN:
                return self._stand_down(facts)
            case Purpose.CALLER:
                return self._of_caller(facts)
            case Purpose.WARNING:
                return fit_segment(
                    f"PERHATIAN: panggilan {facts.short_number}, tidak ada petugas jaga pada tier "
                    f"'{facts.tier}'. Tier berikutnya dihubungi. Periksa jadwal."
                )
            case Purpose.WATCHDOG:
                return self._watchdog(facts)
            case Purpose.SEAL:
                return self._seal(facts)
            case Purpose.SURVEY:
                return self._survey(facts)
            case _:
                return fit_segment(f"Panggilan darurat {facts.short_number}.")

    def _alert(self, facts: MessageFacts) -> str:
        known = facts.priority != "unknown"
        priority = f" {PRIORITY_WORDS[facts.priority].upper()}" if known else ""
        category = (
            CATEGORY_WORDS[facts.category] if facts.category != "unknown" else "keadaan belum diketahui"
        )
        return compose(
            [
                f"DARURAT {facts.short_number}{priority}: ",
                Elastic(text=category, least=6, importance=1),
                Elastic(text=f" di {facts.place}" if facts.place else "", least=0, importance=0),
                ". Balas 1 terima, 2 tolak.",
                f" {facts.link}" if facts.link else "",
            ]
        )

    def _stand_down(self, facts: MessageFacts) -> str:
        if facts.reason == StandDownReason.CLOSED:
            return fit_segment(f"Panggilan {facts.short_number} sudah ditutup. Anda tidak diperlukan lagi.")
        return compose(
            [
                f"Panggilan {facts.short_number} sudah diterima oleh ",
                Elastic(text=facts.accepted_by or "petugas lain", least=8),
                ". Anda tidak diperlukan lagi. Terima kasih.",
            ]
        )

    def _of_caller(self, facts: MessageFacts) -> str:
        news = _NEWS[CallerNews(facts.reason or CallerNews.RANG)]
        link = f" {facts.link}" if facts.link else ""
        return fit_segment(
            f"Panggilan {facts.short_number}: penelepon {news}. Hubungi {facts.caller_number or '-'}.{link}"
        )

    def _watchdog(self, facts: MessageFacts) -> str:
        call = "sebuah panggilan" if facts.short_number is None else f"panggilan {facts.short_number}"
        found = _FOUND.get(facts.check or "", "ada yang tidak beres").format(call=call)
        since = f" (sejak {facts.since})" if facts.since else ""
        others = f" Dan {facts.others} temuan lain." if facts.others else ""
        return fit_segment(f"SIAGA: {found}{since}.{others} Lihat papan.")

    def _survey(self, facts: MessageFacts) -> str:
        # No answer by text is asked for: a text to this number is an emergency.
        return compose(
            [
                Elastic(text=facts.facility or "Puskesmas", least=6),
                ": mohon nilai layanan darurat kami. Sukarela, 9 soal.",
                f" {facts.link}" if facts.link else "",
                " Tidak mau ditanya lagi? Pilih di sana.",
            ]
        )

    def _seal(self, facts: MessageFacts) -> str:
        sealed = facts.sealed
        assert sealed is not None
        return fit_segment(
            f"SIAGA {sealed.facility}: segel catatan {sealed.day} adalah {sealed.fingerprint} "
            f"({sealed.incidents} insiden, {sealed.calls} panggilan). Simpan SMS ini sebagai saksi."
        )
