"""The triggers of both databases: what holds whatever program asks.

UPDATE and DELETE on the record are refused, and every change of staff or shifts gives the roster a new mark.
"""

from collections.abc import Sequence

FIRST = ("event", "audit")
SEALS = ("seal", "seal_leaf")
COMPLAINTS = ("complaint_step",)
APPEND_ONLY = (*FIRST, *SEALS, *COMPLAINTS)
"""Every such table; each part came with a migration of its own."""

_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def create_statements(dialect: str, tables: Sequence[str] = APPEND_ONLY) -> list[str]:
    """SQL that installs the triggers on *tables* for *dialect* (``sqlite`` or ``postgresql``)."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for table in tables
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        _POSTGRES_FUNCTION,
        *(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            for table in tables
        ),
    ]


def drop_statements(dialect: str, tables: Sequence[str] = APPEND_ONLY) -> list[str]:
    """SQL that removes what :func:`create_statements` installed on *tables*, save the function."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER {table}_no_{verb}" for table in tables for verb in ("update", "delete")]
    return [f"DROP TRIGGER {table}_append_only ON {table}" for table in tables]


DROP_FUNCTION = "DROP FUNCTION refuse_change()"
"""On PostgreSQL, once no table has such a trigger any more."""


# --- the roster's mark ----------------------------------------------------------------------------

OF_ROSTER = ("staff", "shift")
_CHANGES = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}

_SQLITE_MARK = {
    "NEW": "INSERT INTO roster_mark (facility_id, mark) VALUES (NEW.facility_id, hex(randomblob(16))) "
    "ON CONFLICT (facility_id) DO UPDATE SET mark = excluded.mark;",
    "OLD": "INSERT INTO roster_mark (facility_id, mark) VALUES (OLD.facility_id, hex(randomblob(16))) "
    "ON CONFLICT (facility_id) DO UPDATE SET mark = excluded.mark;",
}
_POSTGRES_MARK = """
CREATE OR REPLACE FUNCTION mark_roster() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed record;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    INSERT INTO roster_mark (facility_id, mark) VALUES (changed.facility_id, gen_random_uuid()::text)
    ON CONFLICT (facility_id) DO UPDATE SET mark = excluded.mark;
    RETURN NULL;
END $$
"""


def create_marking(dialect: str) -> list[str]:
    """SQL that lets every change of the roster set its mark."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_{verb}_marks AFTER {verb} ON {table} BEGIN {_SQLITE_MARK[row]} END"
            for table in OF_ROSTER
            for verb, row in _CHANGES.items()
        ]
    return [
        _POSTGRES_MARK,
        *(
            f"CREATE TRIGGER {table}_marks AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION mark_roster()"
            for table in OF_ROSTER
        ),
    ]


def drop_marking(dialect: str) -> list[str]:
    """SQL that removes what :func:`create_marking` installed."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER {table}_{verb}_marks" for table in OF_ROSTER for verb in _CHANGES]
    return [*(f"DROP TRIGGER {table}_marks ON {table}" for table in OF_ROSTER), "DROP FUNCTION mark_roster()"]
