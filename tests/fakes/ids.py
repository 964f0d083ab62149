"""Identifiers that run out in the middle of a command, as if the power failed there."""

from dispatch.adapters.ids import RandomIds


class FailingIds(RandomIds):
    """Gives so many identifiers, then fails for ever."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self._left = left

    def new_id(self) -> str:
        if not self._left:
            raise InterruptedError("the power failed")
        self._left -= 1
        return super().new_id()
