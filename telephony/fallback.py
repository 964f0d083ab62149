"""The static fallback: TwiML that works without the program, for the provider's own fallback address."""

from collections.abc import Sequence

from telephony.addresses import PublicAddresses
from telephony.context import DutyPhones
from telephony.documents import Documents
from telephony.prompts import Prompts


def render(*, on_duty: Sequence[str], facility_phones: Sequence[str], handoff: str, prompts: Prompts) -> str:
    """A whole document that rings today's duty phones, at most ten at once, and then the handoff number."""
    phones = DutyPhones(static=facility_phones, handoff=handoff, today=on_duty)
    return Documents(PublicAddresses(""), prompts, phones).fallback()
