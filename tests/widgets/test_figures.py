"""Numbers and times as text."""

from collections.abc import Iterator

import pytest
from rich.cells import cell_len

from mdterm.widgets import figures

DAY = 86_400_000_000_000


@pytest.mark.parametrize(
    ("price", "digits", "text"),
    [
        (61722.4, 1, "61 722.4"),
        (0.00001234, 8, "0.00001234"),
        (1234567.0, 0, "1 234 567"),
        (-37.63, 2, "-37.63"),
        (0.0, 2, "0.00"),
        (None, 2, "—"),
    ],
)
def test_prices_are_told_in_full(price: float | None, digits: int, text: str) -> None:
    assert figures.format_price(price, digits) == text


@pytest.mark.parametrize(
    ("size", "digits", "text"),
    [
        (0.145, 3, "0.145"),
        (0.0, 3, ""),
        (None, 3, "—"),
        (9999.0, 0, "9 999"),
        (9999.999, 3, "9 999.999"),
        (9999.9996, 3, "10.0K"),
        (10000.0, 0, "10.0K"),
        (12345.0, 1, "12.3K"),
        (999_949.0, 0, "999.9K"),
        (999_960.0, 0, "1.00M"),
        (2_500_000_000.0, 0, "2.50B"),
        (3e18, 0, "3000000.0T"),
        (0.0004, 3, "<0.001"),
        (0.4, 0, "<1"),
    ],
)
def test_sizes_are_in_full_below_ten_thousand(size: float | None, digits: int, text: str) -> None:
    assert figures.format_size(size, digits) == text


@pytest.fixture
def east_asian() -> Iterator[None]:
    """Tell amounts in ten-thousands."""
    figures.use_units(figures.EAST_ASIAN)
    yield
    figures.use_units(figures.WESTERN)


@pytest.mark.usefixtures("east_asian")
@pytest.mark.parametrize(
    ("size", "text"),
    [
        (9999.0, "9 999"),
        (12_345.0, "1.23万"),
        (99_960.0, "10.0万"),
        (123_456.0, "12.3万"),
        (1_234_567.0, "123万"),
        (99_994_000.0, "9999万"),
        (99_996_000.0, "1.00亿"),
        (-2_500_000_000.0, "-25.0亿"),
        (1.5e12, "1.50万亿"),
    ],
)
def test_large_sizes_are_told_in_ten_thousands_where_that_is_asked_for(size: float, text: str) -> None:
    assert figures.format_size(size, 0) == text
    assert cell_len(figures.cell(text, 12)) == 12
    assert cell_len(text) <= 8
    assert figures.cell(text, cell_len(text) - 1) == "#" * (cell_len(text) - 1)


@pytest.mark.usefixtures("east_asian")
@pytest.mark.parametrize("digit", [1, 3, 9.99])
@pytest.mark.parametrize("power", range(4, 15))
def test_the_order_of_an_amount_of_ten_thousands_fits(power: int, digit: float) -> None:
    assert figures.order_cells() == 7
    assert cell_len(figures.format_order(-digit * 10.0**power)) <= 7 + (power >= 12) * 2


@pytest.mark.parametrize(
    ("size", "text"), [(999.0, "999"), (999.6, "1K"), (-999_400.0, "-999K"), (5e12, "5T")]
)
def test_the_order_of_an_amount_fits_five_cells(size: float, text: str) -> None:
    assert figures.order_cells() == 5
    assert figures.format_order(size) == text


def test_letters_stand_for_the_units_where_there_is_only_ascii() -> None:
    assert [unit for _, unit in figures.EAST_ASIAN_ASCII.steps] == ["W", "Y", "WY"]


@pytest.mark.parametrize(
    ("largest", "digits", "width", "fitting"),
    [(9.9, 3, 8, 3), (9999.0, 3, 8, 2), (9999.0, 3, 5, 0), (1e9, 8, 12, 8), (1.0, 8, 3, 1)],
)
def test_decimals_fit_their_column(largest: float, digits: int, width: int, fitting: int) -> None:
    whole = figures.whole_cells([None, 0.0, 0.5, largest])
    assert figures.fit_digits(whole, digits, width) == fitting
    assert len(figures.format_size(largest, fitting)) <= max(width, 5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.2, "0.0s"),
        (0.14, "0.1s"),
        (4.2, "4.2s"),
        (9.96, "9s"),
        (12.9, "12s"),
        (72.0, "1m12s"),
        (3661.0, "1h01m"),
        (90000.0, "1d01h"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert figures.format_age(seconds) == text


def test_a_whole_age_has_no_decimals() -> None:
    assert figures.format_age(3.9, whole=True) == "3s"


def test_times_are_utc_with_milliseconds() -> None:
    assert figures.format_time_ms(1_763_682_461_997_999_999) == "23:47:41.997"
    assert figures.format_time(0) == "00:00:00"


def test_a_moment_of_another_day_has_its_date() -> None:
    ts = 1_763_682_461_000_000_000
    assert figures.format_since(ts, ts + DAY - 1) == "23:47:41"
    assert figures.format_since(ts, ts + DAY) == "11-20 23:47"
    assert figures.format_since(ts, None) == "23:47:41"


@pytest.mark.parametrize(
    ("rate", "text"), [(0.0, "0.0 kB/s"), (9_840.0, "9.8 kB/s"), (1_500_000.0, "1.5 MB/s")]
)
def test_rates(rate: float, text: str) -> None:
    assert figures.format_rate(rate) == text


@pytest.mark.parametrize("text", ["BTC", "BTCUSDT-PERP", "比特币永续合约", "a\x1b[31mb", "e\u0301tudes", ""])
@pytest.mark.parametrize("width", [1, 6, 20])
def test_outside_text_is_safe_and_exactly_as_wide_as_asked(text: str, width: int) -> None:
    for right in (False, True):
        fitted = figures.fit(text, width, right=right)
        assert cell_len(fitted) == width
        assert "\x1b" not in fitted


def test_a_figure_that_does_not_fit_is_not_cut_to_another_number() -> None:
    assert figures.cell("1 234", 6) == " 1 234"
    assert figures.cell("1 234", 4) == "####"
