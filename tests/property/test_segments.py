"""Whatever is said, it goes out as one segment of the phones' alphabet."""

from hypothesis import example, given
from hypothesis import strategies as st

from dispatch.domain.segments import Elastic, compose, fit_segment, is_gsm7, septets, to_gsm7

_likely = st.text("ab [€]é\u2019\U0001f691\t\n—", max_size=200)


@given(st.text() | _likely)
@example("\ud800")
@example("\ufdfa" * 50)
def test_spelling_gives_the_alphabet_and_changes_nothing_twice(text: str) -> None:
    spelled = to_gsm7(text)
    assert is_gsm7(spelled)
    assert to_gsm7(spelled) == spelled


@given(st.text(max_size=400) | _likely, st.integers(3, 170))
def test_a_fitted_text_fits_and_stays_as_it_is(text: str, limit: int) -> None:
    fitted = fit_segment(text, limit=limit)
    assert septets(fitted) <= limit
    assert fit_segment(fitted, limit=limit) == fitted


@given(_likely, st.integers(3, 160))
def test_a_link_arrives_whole_or_not_at_all(before: str, limit: int) -> None:
    link = "https://siaga.example/w/AbCdEf"
    fitted = fit_segment(f"{before} {link} dan seterusnya", limit=limit)
    assert "https" not in fitted or f"{link} " in f"{fitted} "


@given(st.text(), st.text(), st.integers(0, 20), st.integers(0, 20), st.integers(-1, 1))
def test_a_composed_text_fits_and_keeps_its_fixed_parts(
    place: str, category: str, least: int, other_least: int, importance: int
) -> None:
    link = "https://siaga.example/w/AbCdEf"
    parts: list[str | Elastic] = [
        "123 MERAH ",
        Elastic(text=category, least=least, importance=importance),
        ", ",
        Elastic(text=place, least=other_least),
        f". 1=YA {link}",
    ]
    text = compose(parts, limit=80)
    assert septets(text) <= 80
    assert text.startswith("123 MERAH ")
    assert text.endswith(f". 1=YA {link}")
