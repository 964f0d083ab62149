"""Identifiers: unique, ascending, and shaped like UUID version 7."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from dispatch.adapters.ids import RandomIds


def test_what_is_made_later_sorts_later() -> None:
    ids = RandomIds()
    made = [ids.new_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_several_threads_never_make_the_same() -> None:
    ids = RandomIds()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids.new_id(), range(8_000)))
    assert len(set(made)) == len(made)


def test_an_identifier_is_a_uuid_of_version_7() -> None:
    made = uuid.UUID(RandomIds().new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_a_token_is_sixteen_letters_and_digits() -> None:
    tokens = {RandomIds().token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(len(token) == 16 and token.isalnum() for token in tokens)
