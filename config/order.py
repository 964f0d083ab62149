"""What ``siaga serve`` was asked for, as it is told to each of its web processes."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The options of one ``siaga serve``."""

    host: str
    port: int
    workers: int
    with_engine: bool
    demo: bool

    @property
    def local_url(self) -> str:
        """Where this machine itself reaches it."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - recognised, not bound
        return f"http://{host}:{self.port}"

    def as_text(self) -> str:
        """For an environment variable."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Order":
        """What :meth:`as_text` wrote."""
        return cls(**json.loads(text))
