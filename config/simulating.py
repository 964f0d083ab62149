"""The simulated town: a telephone company in this process, and whose phones it has.

Decides which phones there are. What they can do is the simulator's business.
"""

from sqlalchemy import select

from config.settings import Settings
from dispatch.service import roster_keeping
from dispatch.service.services import Services
from models.facility import Staff
from telephony.caller_flow import CallerFlow
from telephony.context import TelephonyContext
from telephony.simulator.build import Simulator, build_simulator
from telephony.simulator.settings import PhoneSpec, SimulatorSettings

SIMULATED_RESIDENT = PhoneSpec(number="+6281199990001", label="Ibu Warga (contoh)", role="Warga")
"""An invented resident, in a block of numbers that the sample facility uses for nobody."""

_ROLE_WORDS = {
    "responder": "Petugas",
    "call_taker": "Penerima telepon",
    "supervisor": "Pimpinan",
    "driver": "Pengemudi",
}


def build_town(settings: Settings, telephony: TelephonyContext, *, with_staff: bool = True) -> Simulator:
    """The simulator with the phones of the staff, unless nobody can be asked for them, and of a resident."""
    staff = _staff_phones(telephony.services) if with_staff else []
    account = settings.account
    base = f"{settings.public_url}/telephony"
    return build_simulator(
        SimulatorSettings(
            account_sid=account.account_sid,
            auth_token=account.auth_token.get_secret_value(),
            service_number=account.number,
            voice_url=f"{base}/voice",
            voice_status_url=f"{base}/voice/status",
            sms_url=f"{base}/sms",
            origin=settings.public_url,
            phones=(SIMULATED_RESIDENT, *staff),
            fallback_twiml=CallerFlow(telephony).fallback(),
        ),
        clock=telephony.services.clock,
    )


def _staff_phones(services: Services) -> list[PhoneSpec]:
    """The phones of the staff; those on duty now come first, in the order of the tiers."""
    now = services.clock.now()
    with services.uow.read() as session:
        on_duty = list(roster_keeping.duty_phones(session, services, now))
        rows = session.scalars(
            select(Staff).where(Staff.facility_id == services.facility_id, Staff.is_active.is_(True))
        ).all()
    order = {phone: place for place, phone in enumerate(on_duty)}
    return [
        PhoneSpec(number=row.phone, label=row.name, role=_ROLE_WORDS.get(row.role, row.role))
        for row in sorted(rows, key=lambda row: (order.get(row.phone, len(order)), row.code))
    ]
