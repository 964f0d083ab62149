"""Scripts, styles and pictures of ours, served under a name that changes with the content.

Read once at start and kept compressed: on a line of 50 kbit/s a page must never ask twice for the same file.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response

from dashboards.page_errors import PageNotFoundError

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file as it is sent."""

    served_as: str
    media_type: str
    plain: bytes
    packed: bytes


class Assets:
    """Every static file by its own name and by the name it is served as."""

    def __init__(self, folder: Path = STATIC) -> None:
        """Read *folder*."""
        found = [_read(path) for path in sorted(folder.iterdir()) if path.suffix in MEDIA_TYPES]
        self._by_name = {name: asset.served_as for name, asset in found}
        self._by_served_name = {asset.served_as: asset for _, asset in found}
        self.build = hashlib.sha256("".join(self._by_served_name).encode()).hexdigest()[:8]

    def url(self, name: str) -> str:
        """The address of ``siaga.css`` and the like; a KeyError is a programmer's error."""
        return f"/static/{self._by_name[name]}"

    def response(self, served_as: str, *, accepts: str) -> Response:
        """The file under this very name; an old name is gone."""
        asset = self._by_served_name.get(served_as)
        if asset is None:
            raise PageNotFoundError
        packed = "gzip" in accepts
        headers = {
            "Cache-Control": FOR_EVER,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if packed:
            headers["Content-Encoding"] = "gzip"
        return Response(asset.packed if packed else asset.plain, media_type=asset.media_type, headers=headers)


def _read(path: Path) -> tuple[str, Asset]:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return path.name, Asset(
        served_as=f"{path.stem}.{digest}{path.suffix}",
        media_type=MEDIA_TYPES[path.suffix],
        plain=content,
        packed=gzip.compress(content, mtime=0),
    )
