"""Every table is known to the list of personal data, and what is to be blanked can be."""

from models.personal import HOLDINGS, NEVER_ERASED, NUMBERS, STAYS, WITH_THE_CHAIN, Holding
from models.tables import Base

TABLES = {table.name for table in Base.metadata.sorted_tables}


def names(*holdings: Holding) -> set[str]:
    return {holding.table.name for holding in holdings}


def test_every_table_stands_in_the_list_of_personal_data() -> None:
    """Whoever adds a table says in ``models.personal`` what of it is erased, or why nothing is."""
    known = names(*HOLDINGS, *NEVER_ERASED) | set(STAYS) | set(WITH_THE_CHAIN)
    assert known == TABLES


def test_what_is_said_to_hold_nothing_is_not_erased_as_well() -> None:
    assert not names(*HOLDINGS) & (set(STAYS) | names(*NEVER_ERASED))
    assert not names(*NEVER_ERASED) & set(STAYS)


def test_nothing_that_is_said_to_be_harmless_has_a_column_for_a_number() -> None:
    numbered = {
        table.name for table in Base.metadata.sorted_tables if set(table.columns.keys()) & set(NUMBERS)
    }
    assert not numbered & set(STAYS)


def test_each_holding_can_be_found_and_blanked() -> None:
    for holding in HOLDINGS:
        columns = holding.table.columns
        assert {*holding.blanks, "facility_id"} <= set(columns.keys()), holding.table.name
        assert all(columns[name].nullable for name, blank in holding.blanks.items() if blank is None)
        for named in (holding.incident, holding.of_call, holding.erased_at):
            assert named is None or named in columns
        assert (holding.at is None) == (holding.classes == ()), "an age goes with the classes that count it"
