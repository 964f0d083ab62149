"""Every sentence that is spoken on the phone, in Indonesian.

Short, because they cost the caller time. The voice is a Google one by name: there is no Polly voice for
Indonesian, and the default voice may not speak it (TESTBED 2.5).
"""

from dataclasses import dataclass

from dispatch.domain import phones

PLACE_LIMIT = 120
"""Characters of a place that are read out, about ten seconds; the whole text is on the worker's page."""

LANGUAGE = "id-ID"
VOICE = "Google.id-ID-Wavenet-A"

PRIORITY_WORDS = {
    "red": "merah",
    "yellow": "kuning",
    "green": "hijau",
    "black": "hitam",
    "unknown": "belum diketahui",
}

CATEGORY_WORDS = {
    "unconscious": "tidak sadar",
    "breathing": "sesak napas",
    "cardiac": "nyeri dada",
    "stroke": "stroke",
    "seizure": "kejang",
    "bleeding": "perdarahan",
    "trauma": "kecelakaan atau luka",
    "traffic": "kecelakaan lalu lintas",
    "penetrating": "luka tusuk atau panah",
    "burn": "luka bakar",
    "choking": "tersedak",
    "drowning": "tenggelam",
    "poisoning": "keracunan",
    "snakebite": "gigitan ular",
    "childbirth": "melahirkan",
    "fever": "demam",
    "child_illness": "anak sakit",
    "psychiatric": "gangguan jiwa",
    "assault": "kekerasan",
    "fall": "jatuh",
    "transfer": "rujukan",
    "information": "informasi",
    "other": "keadaan lain",
    "unknown": "belum diketahui",
}


def spoken_digits(number: int | str) -> str:
    """A number said digit by digit, so that it is understood on a bad line."""
    return " ".join(str(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """The sentences of one facility."""

    service_name: str
    handoff_phone: str
    handoff_name: str = "PSC 119"
    announce_recording: bool = True

    def greeting(self) -> str:
        """The first words a caller hears; they are alerted for already."""
        recorded = " Panggilan ini direkam." if self.announce_recording else ""
        return f"{self.service_name}. Petugas sedang dihubungi.{recorded}"

    def menu(self) -> str:
        """What the caller may press; pressing nothing is always safe."""
        return (
            "Tekan 1 bila pasien tidak sadar atau tidak bernapas. "
            "Tekan 2 untuk kecelakaan atau perdarahan hebat. "
            "Tekan 3 untuk melahirkan. Tekan 4 untuk keadaan lain. "
            "Tekan 9 bila salah sambung. Atau tunggu saja, jangan tutup telepon."
        )

    def understood(self, digit: str | None) -> str:
        """What follows a key of the menu."""
        words = {
            "1": "Tidak sadar atau tidak bernapas. Petugas segera dihubungi.",
            "2": "Kecelakaan atau perdarahan. Petugas segera dihubungi.",
            "3": "Melahirkan. Petugas segera dihubungi.",
            "4": "Baik. Petugas segera dihubungi.",
        }
        return words.get(digit or "", "Mohon tunggu.") + " Jangan tutup telepon."

    def wrong_number(self) -> str:
        """After 9."""
        return "Baik, salah sambung. Terima kasih."

    def waiting(self, *, accepted: bool) -> str:
        """Said every 15 to 20 seconds while the caller waits."""
        if accepted:
            return "Petugas sudah menerima panggilan Anda dan segera tersambung. Jangan tutup telepon."
        return f"Petugas sedang dihubungi. Jangan tutup telepon. {self.other_way()}"

    def other_way(self) -> str:
        """The other way to help, which the service always names (DESIGN 7)."""
        return f"{self.handoff_name} juga dapat dihubungi di nomor {phones.spoken(self.handoff_phone)}."

    def on_the_way(self) -> str:
        """When the talk is over and somebody owns the emergency."""
        return (
            "Petugas sudah menerima laporan Anda. Siapkan orang untuk menunggu di jalan. "
            "Hubungi lagi bila keadaan berubah. Terima kasih."
        )

    def closed(self) -> str:
        """When the incident was closed while the caller was on the line."""
        return f"Laporan Anda sudah selesai ditangani. {self.other_way()} Terima kasih."

    def call_back(self) -> str:
        """When the service calls back somebody who hung up."""
        return f"Ini {self.service_name}. Anda baru saja menelepon kami."

    def fallback(self) -> str:
        """When the program cannot help and the duty phones are rung directly."""
        return f"{self.service_name}. Anda disambungkan ke petugas. Jangan tutup telepon."

    def alert(self, *, short_number: int, priority: str, category: str, place: str | None) -> str:
        """What a worker hears when they pick up."""
        where = f" Lokasi: {_spoken_place(place)}." if place else ""
        return (
            f"Panggilan darurat nomor {spoken_digits(short_number)}. "
            f"Prioritas {PRIORITY_WORDS[priority]}. Keadaan {CATEGORY_WORDS[category]}.{where} "
            "Tekan 1 untuk menerima. Tekan 2 untuk menolak. Tekan 0 untuk mengulang."
        )

    def accepted(self, *, primary: bool, caller_waits: bool) -> str:
        """After 1, before the minutes."""
        role = "Anda penanggung jawab" if primary else "Anda mendukung"
        then = ", atau tunggu penelepon" if caller_waits else ""
        return f"Diterima. {role}. Ketik menit tiba lalu pagar{then}."

    def already_taken(self) -> str:
        """When an alert is picked up that needs nobody any more."""
        return "Panggilan darurat ini sudah ditangani. Anda tidak diperlukan lagi. Terima kasih."

    def declined(self) -> str:
        """After 2."""
        return "Baik, Anda menolak. Petugas lain dihubungi. Terima kasih."

    def done(self) -> str:
        """After any other step pressed on the keypad."""
        return "Tercatat. Terima kasih."

    def refused(self) -> str:
        """When a key does not fit."""
        return "Langkah itu tidak sesuai dan tidak dicatat."

    def connecting(self) -> str:
        """When a worker who accepted elsewhere is called to talk with the caller."""
        return "Penelepon menunggu. Anda segera disambungkan."

    def hold(self) -> str:
        """For a worker who is in the room before the caller."""
        return "Penelepon belum tersambung. Mohon tunggu."

    def trouble(self) -> str:
        """For a worker whose key cannot be recorded at the moment; it is kept all the same."""
        return "Sistem sedang terganggu. Jawaban Anda disimpan. Balas SMS atau tunggu panggilan lagi."

    def caller_gone(self) -> str:
        """When the caller hung up before the worker picked up."""
        return "Penelepon sudah menutup telepon. Nomornya ada di halaman Anda. Terima kasih."

    def no_answer(self) -> str:
        """When a worker picked up and pressed nothing."""
        return "Tidak ada jawaban. Petugas lain dihubungi."


def _spoken_place(place: str) -> str:
    words = " ".join(place.split())
    if len(words) <= PLACE_LIMIT:
        return words
    return words[:PLACE_LIMIT].rpartition(" ")[0] or words[:PLACE_LIMIT]
