"""A restore into PostgreSQL that fails throws away what it loaded, unless somebody was let in by mistake."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.event import listen, remove

from config.backing_up import back_up, name_for
from config.restoring import Order, restore
from models.copying import CopyError
from tests.world import FACILITY, World

NOW = datetime(2026, 11, 23, 17, 15, tzinfo=UTC)


def test_what_a_server_takes_of_a_restore_that_fails_is_kept(
    postgresql_database_url: str, tmp_path: Path
) -> None:
    """It was started too early, while what was loaded is still checked, and answers a caller."""
    url, file = postgresql_database_url, tmp_path / name_for(FACILITY, "postgresql", NOW)
    world = World(url)
    world.resident().rings()
    back_up(url, FACILITY, file, now=NOW)
    world.resident("+628119997777").rings("CA-later")
    world.uow.engine.dispose()
    started: list[bool] = []
    answered: list[str] = []

    def starts(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if "version_num FROM alembic_version" in statement and not started:
            started.append(True)
            answered.append(world.resident("+628119998888").rings("CA-meanwhile").incident_id)

    listen(Engine, "before_cursor_execute", starts)
    try:
        with pytest.raises(CopyError, match="its manifest says") as refused:
            restore(Order(file=file, url=url, facility=FACILITY, now=NOW, overwrites=True))
    finally:
        remove(Engine, "before_cursor_execute", starts)
    _, _, kept = str(refused.value).rpartition(" ")
    assert [row.caller_number for row in world.incidents()][-1] == "+628119997777"
    with world.uow.read() as session:
        found = session.scalars(text(f"SELECT id FROM {kept}.incident WHERE id = :id"), {"id": answered[0]})
        assert found.all() == answered
    assert world.findings() == []
    world.close()
