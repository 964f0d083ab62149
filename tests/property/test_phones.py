"""Whatever arrives as a sender, one spelling comes out or none."""

from hypothesis import example, given
from hypothesis import strategies as st

from dispatch.domain.phones import is_ordinary, local_form, mask, normalise, spoken

_subscribers = st.from_regex(r"8[1-9][0-9]{7,9}", fullmatch=True)
_separators = st.sampled_from(["", " ", "-", ".", "\u00a0", "\u200e"])


@given(st.text())
@example("\ud800")
def test_any_text_is_answered(text: str) -> None:
    number = normalise(text)
    assert (number is None) or is_ordinary(number)
    local_form(text)
    spoken(text)
    mask(text)


@given(_subscribers, st.sampled_from(["0", "62", "+62", "0062", "", "+620"]), st.data())
def test_spelling_never_matters(national: str, prefix: str, data: st.DataObject) -> None:
    written = prefix + "".join(digit + data.draw(_separators) for digit in national)
    assert normalise(written) == "+62" + national
    assert normalise(local_form("+62" + national)) == "+62" + national


@given(_subscribers)
def test_a_mask_keeps_at_least_four_digits_to_itself(national: str) -> None:
    masked = mask("+62" + national)
    assert masked is not None
    assert sum(character.isdigit() for character in masked) <= len(national) + 2 - 4
    assert national not in masked
