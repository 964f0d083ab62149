"""The triggers that make a table append-only, for both databases.

UPDATE and DELETE on the record are refused by the database itself, whatever program asks.
"""

APPEND_ONLY = ("event", "audit")

_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def create_statements(dialect: str) -> list[str]:
    """SQL that installs the triggers on *dialect* (``sqlite`` or ``postgresql``)."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for table in APPEND_ONLY
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        _POSTGRES_FUNCTION,
        *(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            for table in APPEND_ONLY
        ),
    ]


def drop_statements(dialect: str) -> list[str]:
    """SQL that removes what :func:`create_statements` installed."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER {table}_no_{verb}" for table in APPEND_ONLY for verb in ("update", "delete")]
    return [
        *(f"DROP TRIGGER {table}_append_only ON {table}" for table in APPEND_ONLY),
        "DROP FUNCTION refuse_change()",
    ]
