"""The table of faults and what came of them, for the page about trust."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.faults.cases import CASES, PROVIDERS, Outcome

PAGE: Final = Path(__file__).parents[2] / "docs" / "trust.md"
BEGIN: Final = "<!-- faults: python -m tests.faults --write -->"
END: Final = "<!-- /faults -->"
_NAMES: Final = {"kiyotaka": "Kiyotaka", "alltick": "AllTick", "jayx": "JayX"}
Results = Mapping[tuple[str, str], Outcome | None]


def heads() -> str:
    """Return the first row."""
    return f"| what happens | {' | '.join(_NAMES[name] for name in PROVIDERS)} |"


def cell(outcome: Outcome | None) -> str:
    """Return what came of a fault in a few words; None is what could not be tried."""
    if outcome is None:
        return "not here"
    shown = [word for word in dict.fromkeys(outcome.shown) if word not in ("LIVE", "GAP", "WARMING")]
    back = f"{outcome.back_s:.1f} s" if outcome.reconnected else "at once"
    return f"{', '.join(shown) or 'LIVE'} · {back} · {outcome.lost} · {outcome.doubled}"


def table(results: Results) -> str:
    """Return the table."""
    rows = [heads(), "|---" * (len(PROVIDERS) + 1) + "|"]
    for fault, case in CASES.items():
        cells = [cell(results[name, fault]) for name in PROVIDERS]
        rows.append(f"| {case.label} | {' | '.join(cells)} |")
    return "\n".join(rows)


def write(results: Results) -> None:
    """Put the table into the page."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}")
