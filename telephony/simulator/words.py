"""The words of the simulator's page: English as written in the code, and their Indonesian.

``WORDS_OF_CODES`` says what the page shows for the codes in the JSON: states, endings, notes, refusals.
"""

from collections.abc import Callable

Translate = Callable[[str], str]

WORDS_OF_CODES = {
    "state.idle": "Idle",
    "state.dialling": "Dialling…",
    "state.ringing": "Ringing",
    "state.in_call": "In a call",
    "state.off": "Switched off",
    "connected": "Connected",
    "nobody_connected": "Nobody is talking to anybody.",
    "talks_to": "Talking to",
    "waits": "On the line",
    "note.dialled": "Dialled the emergency number",
    "note.ringing": "Incoming call",
    "note.answered": "Answered",
    "note.ringback": "Ringing tone",
    "note.ended_completed": "Call ended",
    "note.ended_busy": "Declined or busy",
    "note.ended_no-answer": "Not answered",
    "note.ended_canceled": "Cancelled by the caller",
    "note.ended_failed": "Call failed",
    "play.beep": "beep",
    "play.music": "hold music",
    "play.recording": "recording starts",
    "key": "Key",
    "text.in": "Received",
    "text.out": "Sent",
    "text.delivered": "delivered",
    "text.sent": "on its way",
    "text.failed": "failed",
    "switch_on": "Switch on",
    "switch_off": "Switch off",
    "refused.phone_busy": "This phone is in a call.",
    "refused.not_in_that_state": "The call has changed in the meantime.",
    "refused.phone_off": "This phone is switched off.",
    "refused.no_such_key": "There is no such key.",
    "refused.no_such_number": "There is no such number.",
    "refused.no_such_phone": "There is no such phone.",
    "refused.no_such_action": "A phone cannot do that.",
    "refused.empty_text": "The text is empty.",
    "refused.too_many_phones": "There are enough phones.",
    "refused.bad_request": "The request was not understood.",
    "offline": "No connection to the program. Trying again…",
    "online": "Connected to the program.",
}

INDONESIAN = {
    "Phone simulator": "Simulator telepon",
    "Invented phones for trying things out. Everything runs as with a real telephone company.": (
        "Telepon rekaan untuk mencoba. Semuanya berjalan seperti pada operator telepon sungguhan."
    ),
    "Emergency number": "Nomor darurat",
    "Add a resident": "Tambah warga",
    "Board": "Papan siaga",
    "Skip to the phones": "Langsung ke telepon",
    "Who is talking to whom": "Siapa tersambung dengan siapa",
    "Phones": "Telepon",
    "Call 911": "Telepon 911",
    "Withheld number": "Sembunyikan nomor",
    "Answer": "Angkat",
    "Decline": "Tolak",
    "Hang up": "Tutup",
    "Heard on the phone": "Yang terdengar",
    "Keypad": "Tombol",
    "Key": "Tombol",
    "Text messages": "SMS",
    "Write a text": "Tulis SMS",
    "Send": "Kirim",
    "What the network noticed": "Catatan jaringan",
    "Faults in the program's answers, as the telephone company would list them.": (
        "Kesalahan dalam jawaban program, seperti yang akan dicatat operator telepon."
    ),
    "This page needs JavaScript.": "Halaman ini memerlukan JavaScript.",
    "Idle": "Siap",
    "Dialling…": "Memanggil…",
    "Ringing": "Berdering",
    "In a call": "Dalam panggilan",
    "Switched off": "Mati",
    "Connected": "Tersambung",
    "Nobody is talking to anybody.": "Belum ada yang tersambung.",
    "Talking to": "Bicara dengan",
    "On the line": "Di jalur layanan",
    "Dialled the emergency number": "Memanggil nomor darurat",
    "Incoming call": "Panggilan masuk",
    "Answered": "Diangkat",
    "Ringing tone": "Nada sambung",
    "Call ended": "Panggilan selesai",
    "Declined or busy": "Ditolak atau sibuk",
    "Not answered": "Tidak diangkat",
    "Cancelled by the caller": "Dibatalkan pemanggil",
    "Call failed": "Panggilan gagal",
    "beep": "bip",
    "hold music": "musik tunggu",
    "recording starts": "rekaman dimulai",
    "Received": "Diterima",
    "Sent": "Terkirim",
    "delivered": "sampai",
    "on its way": "dalam perjalanan",
    "failed": "gagal",
    "Switch on": "Hidupkan",
    "Switch off": "Matikan",
    "This phone is in a call.": "Telepon ini sedang dipakai.",
    "The call has changed in the meantime.": "Panggilannya sudah berubah.",
    "This phone is switched off.": "Telepon ini mati.",
    "There is no such key.": "Tombol itu tidak ada.",
    "There is no such number.": "Nomor itu tidak ada.",
    "There is no such phone.": "Telepon itu tidak ada.",
    "A phone cannot do that.": "Telepon tidak bisa melakukan itu.",
    "The text is empty.": "SMS masih kosong.",
    "There are enough phones.": "Teleponnya sudah cukup banyak.",
    "The request was not understood.": "Permintaan tidak dimengerti.",
    "No connection to the program. Trying again…": "Tidak terhubung ke program. Mencoba lagi…",
    "Connected to the program.": "Terhubung ke program.",
}


def indonesian(text: str) -> str:
    """The Indonesian of a text, or the text itself when there is none."""
    return INDONESIAN.get(text, text)


def english(text: str) -> str:
    """The text as it stands in the code."""
    return text
