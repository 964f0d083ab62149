"""The words of the satisfaction survey on the screen, one table for each enumeration."""

from collections.abc import Mapping

from dashboards.i18n import msgid

SURVEY_CHANNEL: Mapping[str, str] = {
    "keypad": msgid("By keypad"),
    "link": msgid("By link"),
    "paper": msgid("On paper"),
}

SURVEY_REQUEST: Mapping[str, str] = {
    "asked": msgid("no answer yet"),
    "answered": msgid("answered"),
    "declined": msgid("did not want to"),
    "opted_out": msgid("never wants to be asked again"),
    "failed": msgid("could not be reached"),
}

FOLLOW_UP: Mapping[str, str] = {
    "planned": msgid("Planned"),
    "in_progress": msgid("In progress"),
    "done": msgid("Done"),
}

UNSUR: Mapping[str, str] = {
    "persyaratan": msgid("Requirements"),
    "prosedur": msgid("Procedure"),
    "waktu": msgid("Time"),
    "biaya": msgid("Cost"),
    "produk": msgid("Product"),
    "kompetensi": msgid("Competence of the staff"),
    "perilaku": msgid("Conduct of the staff"),
    "sarana": msgid("Facilities and equipment"),
    "pengaduan": msgid("Handling of complaints"),
}
"""The nine elements of the satisfaction survey."""

SEX: Mapping[str, str] = {"L": msgid("Male"), "P": msgid("Female")}

EDUCATION: Mapping[str, str] = {
    "SD": msgid("Primary school"),
    "SMP": msgid("Junior secondary school"),
    "SMA": msgid("Senior secondary school"),
    "S1": msgid("Bachelor"),
    "S2": msgid("Master"),
    "S3": msgid("Doctor"),
}

OCCUPATION: Mapping[str, str] = {
    "PNS": msgid("Civil servant"),
    "TNI": msgid("Army"),
    "POLRI": msgid("Police"),
    "SWASTA": msgid("Private employee"),
    "WIRAUSAHA": msgid("Self-employed"),
    "LAINNYA": msgid("Another occupation"),
}

SURVEY_LABELS: Mapping[str, Mapping[str, str]] = {
    "survey_channel": SURVEY_CHANNEL,
    "survey_request": SURVEY_REQUEST,
    "follow_up": FOLLOW_UP,
    "unsur": UNSUR,
    "sex": SEX,
    "education": EDUCATION,
    "occupation": OCCUPATION,
}
