"""What a text is answered with: always what was understood, never silence (CONTRACT 4)."""

from dispatch.domain.commands import Action
from dispatch.domain.segments import Elastic, compose, fit_segment
from dispatch.service.texting import TextAnswer, Understood

KEYS_HELP = "Balas: 1 terima, 2 tolak, 3 berangkat, 4 tiba, 5 selesai, 6 bantu, 7 tunggu, 8 rujuk, 0 info."
"""The keys alone, short enough to stand whole behind a sentence of its own."""

HELP = f"Tidak dimengerti. {KEYS_HELP} Nomor panggilan boleh di depan: 123 4."

_KEYS = {
    Action.ACCEPT: "1",
    Action.DECLINE: "2",
    Action.EN_ROUTE: "3",
    Action.ON_SCENE: "4",
    Action.AVAILABLE: "5",
    Action.HELP: "6",
    Action.STAGE: "7",
    Action.LEAVE_SCENE: "8",
    Action.INFO: "0",
}

_DONE = {
    Action.DECLINE: "Anda MENOLAK panggilan {n}. Petugas lain dihubungi.",
    Action.EN_ROUTE: "Tercatat BERANGKAT untuk panggilan {n}. Balas 4 bila tiba.",
    Action.ON_SCENE: "Tercatat TIBA untuk panggilan {n}. Balas 5 selesai, 6 bantu, 8 rujuk.",
    Action.AVAILABLE: "Tercatat SELESAI untuk panggilan {n}. Anda siaga kembali.",
    Action.HELP: "Bantuan diminta untuk panggilan {n}. Petugas berikutnya dihubungi.",
    Action.STAGE: "Tercatat MENUNGGU AMAN untuk panggilan {n}. Balas 4 bila tiba.",
    Action.LEAVE_SCENE: "Tercatat MERUJUK untuk panggilan {n}. Balas 4 bila tiba di fasilitas.",
    Action.ARRIVE_FACILITY: "Tercatat TIBA DI FASILITAS untuk panggilan {n}. Balas 5 bila selesai.",
    Action.INFO: "Rincian panggilan {n} dikirim lagi.",
}

ERRORS = {
    "incident_closed": "Panggilan {n} sudah ditutup.",
    "not_assigned": "Anda tidak ditugaskan untuk panggilan {n}.",
    "wrong_transition": "Langkah itu tidak sesuai untuk panggilan {n} dan tidak dicatat.",
    "already_there": "Sudah tercatat untuk panggilan {n}.",
    "answer_overtaken": "Jawaban lama untuk panggilan {n} tidak berlaku lagi. Jawab ulang bila perlu.",
    "incident_not_found": "Panggilan itu tidak ada.",
    "complaint_not_found": "Pengaduan itu tidak ada.",
    "staff_not_found": "Anda tidak terdaftar sebagai petugas.",
    "reason_required": "Langkah itu memerlukan alasan.",
    "time_refused": "Waktu itu tidak mungkin dan tidak dicatat.",
    "field_required": "Langkah itu kurang lengkap.",
    "cannot_merge": "Panggilan itu tidak dapat digabung.",
    "questionnaire_version": "Kuesioner itu sudah diganti dan tidak dicatat.",
    "answer_refused": "Jawaban itu tidak ada. Jawab 1 sampai 4.",
    "refused": "Langkah itu tidak dicatat.",
}
"""One sentence for each ``DispatchError``; a test fails when one is missing."""


def reply_to(answer: TextAnswer) -> str | None:
    """The text to send back, or None when the sender can or should not be answered."""
    match answer.understood:
        case Understood.IGNORED:
            return None
        case Understood.EMERGENCY:
            text = (
                f"Pesan darurat Anda diterima (nomor {answer.short_number}). Petugas dihubungi sekarang. "
                "Tulis lokasi dan keadaan, atau telepon nomor ini."
            )
        case Understood.ON_DUTY:
            text = "Tercatat HADIR. Anda siaga menerima panggilan."
        case Understood.ON_BREAK:
            text = "Tercatat ISTIRAHAT. Balas HADIR bila kembali siaga."
        case Understood.WHICH:
            text = _which(answer)
        case Understood.NOTHING_WAITING:
            text = _nothing(answer)
        case Understood.NOTED:
            text = compose([f"Dicatat pada panggilan {answer.short_number}. ", KEYS_HELP])
        case Understood.HELP:
            text = HELP
        case Understood.REFUSED:
            text = ERRORS.get(answer.error or "refused", ERRORS["refused"]).format(n=answer.short_number)
        case _:
            text = _done(answer)
    return fit_segment(text)


def _which(answer: TextAnswer) -> str:
    numbers = ", ".join(str(number) for number in answer.short_numbers)
    key = _KEYS.get(answer.action, "1") if answer.action is not None else "1"
    return compose(
        [
            "Panggilan yang mana? ",
            Elastic(text=numbers),
            f". Tulis nomornya di depan, contoh: {answer.short_numbers[0]} {key}.",
        ]
    )


def _nothing(answer: TextAnswer) -> str:
    if answer.short_number is not None:
        return f"Tidak ada panggilan {answer.short_number} untuk Anda."
    if answer.action in (Action.ACCEPT, Action.DECLINE):
        return "Tidak ada panggilan yang menunggu jawaban Anda."
    return "Tidak ada panggilan yang sedang Anda tangani."


def _done(answer: TextAnswer) -> str:
    if answer.action is Action.ACCEPT:
        minutes = f", {answer.minutes} menit" if answer.minutes is not None else ""
        role = "Anda penanggung jawab" if answer.is_primary else "Anda mendukung"
        return f"Anda MENERIMA panggilan {answer.short_number}{minutes}. {role}. Balas 3 bila berangkat."
    assert answer.action is not None
    if answer.was_closed and answer.action is not Action.INFO:
        return f"Tercatat untuk panggilan {answer.short_number}, yang sudah ditutup. Terima kasih."
    return _DONE[answer.action].format(n=answer.short_number)
