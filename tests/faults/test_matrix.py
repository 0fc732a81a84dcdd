"""Every fault × every provider: what is told meanwhile, how soon it is over, nothing lost or told twice."""

from pathlib import Path

import pytest

from tests.faults.cases import CASES, PROVIDERS, try_out
from tests.faults.report import BEGIN, END, heads
from tests.faults.ways import Unavailable

SOON_S = 6.0
"""From the end of a fault to flowing data: pauses here are a fifth of a second at most."""


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("fault", CASES)
async def test_a_fault_is_told_survived_and_costs_nothing_that_came(name: str, fault: str) -> None:
    case = CASES[fault]
    try:
        outcome = await try_out(name, fault)
    except Unavailable as error:
        pytest.skip(str(error))
    if case.reconnects:
        assert case.words & set(outcome.shown), f"shown: {outcome.shown}"
        assert case.reason in outcome.reason
    else:
        assert not outcome.reconnected
        assert "RECONNECTING" not in outcome.shown
    assert outcome.back_s < SOON_S
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert outcome.came > 3


def test_the_documented_table_has_every_fault_and_every_provider() -> None:
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text()
    table = page.partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    rows = [row.split("|")[1].strip() for row in table]
    assert table[0] == heads()
    assert rows[2:] == [case.label for case in CASES.values()]
    for row in table[2:]:
        assert all(cell.strip().endswith("0 · 0") or "not here" in cell for cell in row.split("|")[2:-1])
