"""How instants and JSON are put into the form of the database, and back."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pytest
from sqlalchemy.dialects import sqlite

from models.base import UtcDateTime
from models.session import json_text

WIT = timezone(timedelta(hours=9))


class TestAnInstantOnSqlite:
    """Text in UTC, which sorts as time does."""

    @staticmethod
    def write(value: datetime | None) -> str | None:
        process = UtcDateTime().bind_processor(sqlite.dialect())
        assert process is not None
        return cast("str | None", process(value))

    @staticmethod
    def read(value: str | None) -> datetime | None:
        process = UtcDateTime().result_processor(sqlite.dialect(), None)
        assert process is not None
        return cast("datetime | None", process(value))

    def test_is_written_in_utc_with_every_digit_so_that_text_sorts_as_time_does(self) -> None:
        assert self.write(datetime(2026, 11, 23, 21, 0, tzinfo=WIT)) == "2026-11-23 12:00:00.000000"
        assert self.write(datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)) == "2026-11-23 12:00:00.000005"

    def test_comes_back_as_the_same_instant_in_utc(self) -> None:
        at = datetime(2026, 11, 23, 21, 0, 0, 123456, tzinfo=WIT)
        back = self.read(self.write(at))
        assert back is not None
        assert (back, back.tzinfo) == (at, UTC)

    def test_without_a_zone_never_reaches_the_database(self) -> None:
        with pytest.raises(ValueError, match="naive"):
            self.write(datetime(2026, 11, 23, 12, 0))  # noqa: DTZ001 - what is refused

    def test_may_be_unknown(self) -> None:
        assert self.write(None) is None
        assert self.read(None) is None


class TestJson:
    """What a JSON column takes."""

    def test_keeps_text_that_is_no_unicode_and_numbers_of_any_size(self) -> None:
        value = {"text": "a\ud800b", "number": 2**80}
        assert json.loads(json_text(value)) == value

    def test_refuses_what_json_has_no_form_for(self) -> None:
        with pytest.raises(TypeError):
            json_text({"at": datetime(2026, 11, 23, tzinfo=UTC)})
