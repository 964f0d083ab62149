"""Every web address that the telephone side hands out, in one place.

Absolute addresses start with ``SIAGA_PUBLIC_URL``, as the provider calls it; they carry identifiers only,
never a number or a name.
"""

from dataclasses import dataclass

from dispatch.domain.effects import Purpose


@dataclass(frozen=True, slots=True)
class PublicAddresses:
    """Builds the addresses below *public_url* (no trailing slash)."""

    public_url: str

    def answer(self, delivery_id: str, purpose: str) -> str:
        """What to do once one of our calls is answered."""
        if purpose == Purpose.SURVEY:
            return f"{self.public_url}/telephony/surveys/{delivery_id}/answer"
        return f"{self.public_url}/telephony/deliveries/{delivery_id}/answer"

    def key(self, delivery_id: str) -> str:
        """Where the key pressed in an alert call goes."""
        return f"{self.public_url}/telephony/deliveries/{delivery_id}/key"

    def survey_key(self, delivery_id: str, step: str, turn: int) -> str:
        """Where the key pressed at one *step* of a survey call goes; *turn* counts how often it was asked."""
        return f"{self.public_url}/telephony/surveys/{delivery_id}/{step}/{turn}"

    def minutes(self, delivery_id: str) -> str:
        """Where the minutes to arrival go."""
        return f"{self.public_url}/telephony/deliveries/{delivery_id}/minutes"

    def status(self, delivery_id: str, channel: str) -> str:
        """How a delivery goes."""
        return f"{self.public_url}/telephony/deliveries/{delivery_id}/{channel}/status"

    def menu(self) -> str:
        """Where the caller's key goes."""
        return f"{self.public_url}/telephony/voice/menu"

    def wait(self, incident_id: str) -> str:
        """What a waiting caller hears."""
        return f"{self.public_url}/telephony/rooms/{incident_id}/wait"

    def hold(self, incident_id: str) -> str:
        """What a worker hears who is in the room before the caller."""
        return f"{self.public_url}/telephony/rooms/{incident_id}/hold"

    def room_events(self, incident_id: str) -> str:
        """Who enters and leaves the room of an incident."""
        return f"{self.public_url}/telephony/rooms/{incident_id}/events"

    def recording(self, incident_id: str) -> str:
        """Where a finished recording is announced."""
        return f"{self.public_url}/telephony/rooms/{incident_id}/recording"

    def after_room(self) -> str:
        """How a caller's call goes on after the room."""
        return f"{self.public_url}/telephony/voice/after"

    def release(self) -> str:
        """The document for a caller whose incident was closed."""
        return f"{self.public_url}/telephony/voice/release"

    def worker_page(self, token: str) -> str:
        """A worker's own page."""
        return f"{self.public_url}/w/{token}"

    def survey_page(self, token: str) -> str:
        """The questionnaire of one caller."""
        return f"{self.public_url}/s/{token}"
