"""An address as a QR code, where the library for it is there; without it the address is read as text."""

from importlib.util import find_spec
from io import BytesIO


def is_available() -> bool:
    """Whether codes can be drawn here."""
    try:
        return find_spec("segno") is not None
    except ValueError:
        # What Python says of a module that was blocked.
        return False


def svg(address: str) -> str:
    """The code as SVG without a size of its own; nothing where there is no address or no library."""
    if not address or not is_available():
        return ""
    import segno  # noqa: PLC0415 - see above

    drawn = BytesIO()
    segno.make(address, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, nl=False, omitsize=True, border=2
    )
    return drawn.getvalue().decode()
