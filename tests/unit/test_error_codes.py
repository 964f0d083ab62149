"""What each error code of the provider leads to (PEERS 6, TESTBED 2.6)."""

import pytest

from dispatch.domain.error_codes import (
    _LINES,
    RETRY_PAUSE_MAX_S,
    TABLE,
    Reason,
    Verdict,
    meaning_of,
    retry_pause_s,
)

RETRY, PROVIDER = Verdict.RETRY, Verdict.OTHER_PROVIDER
CHANNEL, GIVE_UP = Verdict.OTHER_CHANNEL, Verdict.GIVE_UP


@pytest.mark.parametrize(
    ("code", "verdict", "reason"),
    [
        ("21211", GIVE_UP, Reason.WRONG_NUMBER),
        ("13224", GIVE_UP, Reason.WRONG_NUMBER),
        ("30005", CHANNEL, Reason.WRONG_NUMBER),
        ("21614", CHANNEL, Reason.NO_TEXTS),
        ("21635", CHANNEL, Reason.NO_TEXTS),
        ("30006", CHANNEL, Reason.NO_TEXTS),
        ("21610", CHANNEL, Reason.BLOCKED),
        ("30007", PROVIDER, Reason.BLOCKED),
        ("30003", RETRY, Reason.UNREACHABLE),
        ("30008", RETRY, Reason.UNREACHABLE),
        ("30001", RETRY, Reason.OVERLOADED),
        ("21611", RETRY, Reason.OVERLOADED),
        ("20429", RETRY, Reason.OVERLOADED),
        ("429", RETRY, Reason.OVERLOADED),
        ("21214", PROVIDER, Reason.NOT_ALLOWED),
        ("21215", PROVIDER, Reason.NOT_ALLOWED),
        ("13227", PROVIDER, Reason.NOT_ALLOWED),
        ("32205", PROVIDER, Reason.NOT_ALLOWED),
        ("21612", PROVIDER, Reason.NOT_ALLOWED),
        ("21606", PROVIDER, Reason.OUR_NUMBER),
        ("21657", PROVIDER, Reason.OUR_NUMBER),
        ("21609", PROVIDER, Reason.OUR_REQUEST),
        ("21200", PROVIDER, Reason.OUR_REQUEST),
        ("20003", RETRY, Reason.ACCOUNT),
        ("401", RETRY, Reason.ACCOUNT),
        ("403", RETRY, Reason.ACCOUNT),
        ("503", RETRY, Reason.PROVIDER_SILENT),
        ("timeout", RETRY, Reason.PROVIDER_SILENT),
        ("connect", RETRY, Reason.PROVIDER_SILENT),
        ("busy", GIVE_UP, Reason.BUSY),
        ("sip-486", GIVE_UP, Reason.BUSY),
        ("no-answer", GIVE_UP, Reason.NO_ANSWER),
        ("failed", RETRY, Reason.UNREACHABLE),
        ("sip-404", GIVE_UP, Reason.WRONG_NUMBER),
        ("sip-503", RETRY, Reason.UNREACHABLE),
        ("canceled", GIVE_UP, Reason.STOPPED),
        ("expired", CHANNEL, Reason.EXPIRED),
        ("no_provider", CHANNEL, Reason.NO_PROVIDER),
    ],
)
def test_each_code_has_its_verdict_and_its_reason(code: str, verdict: Verdict, reason: Reason) -> None:
    assert (meaning_of(code).verdict, meaning_of(code).reason) == (verdict, reason)


@pytest.mark.parametrize("code", [None, "", "99999", "a word that nobody has met"])
def test_what_nobody_has_met_tries_everything_else(code: str | None) -> None:
    assert (meaning_of(code).verdict, meaning_of(code).reason) == (PROVIDER, Reason.UNKNOWN)


def test_no_code_stands_twice() -> None:
    codes = [code for _, _, codes in _LINES for code in codes.split()]
    assert len(codes) == len(set(codes)) == len(TABLE)


def test_every_reason_is_the_reason_of_something() -> None:
    assert {meaning.reason for meaning in TABLE.values()} == set(Reason) - {Reason.UNKNOWN}


@pytest.mark.parametrize(("tries", "seconds"), [(1, 15), (2, 30), (3, 60), (4, 120), (5, 120), (1000, 120)])
def test_a_phone_out_of_reach_is_tried_more_and_more_seldom(tries: int, seconds: float) -> None:
    assert retry_pause_s(tries) == seconds
    assert seconds <= RETRY_PAUSE_MAX_S < 180, "a silent phone is tried again within three minutes"
