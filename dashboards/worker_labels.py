"""What a worker's own page says to the worker alone, in the words of the catalogues. Decides nothing."""

from collections.abc import Mapping

from dashboards.i18n import msgid

_ASKED = msgid("You are still asked: accept or decline.")
_ON_IT = msgid("You have accepted this call. The buttons below fit how you stand now.")

STANDING: Mapping[str, str] = {
    **dict.fromkeys(("alerted", "no_answer"), _ASKED),
    **dict.fromkeys(("accepted", "en_route", "staging", "on_scene", "transporting", "at_facility"), _ON_IT),
    "declined": msgid("You have declined. If you can come after all, press once more."),
    "stood_down": msgid(
        "Somebody else has taken the call, and you need not go. If you come all the same, press once more."
    ),
    "available": msgid("Your part is over. Thank you."),
}
"""How a worker stands, said to themselves after a tap that changed nothing."""
