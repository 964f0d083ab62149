"""The static fallback: TwiML that works without the program, for the provider's own fallback address."""

from collections.abc import Sequence

from telephony.addresses import PublicAddresses
from telephony.context import rung_at_once
from telephony.documents import Documents
from telephony.prompts import Prompts


def render(*, on_duty: Sequence[str], facility_phones: Sequence[str], handoff: str, prompts: Prompts) -> str:
    """A whole document that rings today's duty phones, at most ten at once, and then the handoff number."""
    documents = Documents(PublicAddresses(""), prompts, handoff)
    return documents.fallback(rung_at_once(on_duty, facility_phones))
