"""The alerts: what is looked for, what fired, and a line to write another one for the shown instrument."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mdterm.app.keymap import Keymap
from mdterm.app.overlay import Prompt, PromptLine
from mdterm.feeds.alerts import EXAMPLES, Alarm, Rule, parse_rule
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit, format_time
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge, spread

_KEYS: Final = "enter adds, or arms again · del removes · ctrl+t tests · esc closes"
_FEW_KEYS: Final = "enter · del · ctrl+t · esc"


class AlertScreen(Prompt[None], inherit_bindings=False):
    """Lists, adds, arms and removes alerts. ``changed`` gets all rules after every change."""

    OPENED_BY = "alerts"

    def __init__(
        self,
        address: str,
        rules: Sequence[Rule],
        alarms: Mapping[Rule, Alarm],
        keymap: Keymap,
        *,
        changed: Callable[[Sequence[Rule], Rule | None], None],
        test: Callable[[], None],
        offset_ns: int = 0,
    ) -> None:
        self.lines = AlertLines(address, rules, alarms, offset_ns)
        super().__init__(self.lines, keymap)
        self._changed = changed
        self._test = test

    def pressed(self, key: str) -> None:
        """Remove an alert, or test how one is told."""
        if key == "delete":
            self._remove()
        elif key == "ctrl+t":
            self._test()

    def entered(self) -> None:
        """Add what is typed, or arm again what is under the cursor."""
        lines = self.lines
        armed = None
        if lines.typed.strip():
            armed = lines.add()
        elif lines.rules and lines.rules[lines.at] in lines.alarms:
            armed = lines.rules[lines.at]
        if armed is not None:
            self._changed(lines.rules, armed)
            lines.repaint()

    def _remove(self) -> None:
        lines = self.lines
        if lines.rules:
            lines.drop()
            self._changed(lines.rules, None)


class AlertLines(PromptLine):
    """The line to type in and the alerts, those of the shown instrument first."""

    LONGEST = 60

    def __init__(
        self, address: str, rules: Sequence[Rule], alarms: Mapping[Rule, Alarm], offset_ns: int
    ) -> None:
        super().__init__()
        self.address = address
        self.rules = sorted(rules, key=lambda one: one.address != address)
        self.alarms = alarms
        self.problem = ""
        self.at = 0
        self._first = 0
        self._offset_ns = offset_ns

    def retyped(self) -> None:
        """Take the problem away: it was one of other words."""
        self.problem = ""

    def add(self) -> Rule | None:
        """Make what is typed an alert; None, and a problem, where it is none. ``again`` makes it repeat."""
        words = self.typed.strip()
        repeats = words.lower().endswith(" again")
        try:
            rule = parse_rule(self.address, words[:-6] if repeats else words, repeats=repeats)
        except ValueError as error:
            self.problem = str(error)
            self.repaint()
            return None
        if rule not in self.rules:
            self.rules.insert(0, rule)
        self.at, self.typed, self.problem = self.rules.index(rule), "", ""
        self.repaint()
        return rule

    def drop(self) -> None:
        """Take away the alert under the cursor."""
        del self.rules[self.at]
        self.at = max(0, min(self.at, len(self.rules) - 1))
        self.repaint()

    def move(self, by: int) -> None:
        """Move the cursor; the ends do not wrap."""
        self.at = max(0, min(len(self.rules) - 1, self.at + by))
        self.repaint()

    def point(self, y: int, x: int = 0) -> bool:
        """Put the cursor on the alert that stands on row ``y``; return whether one does."""
        at = self._first + y - self._heads
        if y < self._heads or at >= len(self.rules):
            return False
        self.at = at
        self.repaint()
        return True

    @property
    def _heads(self) -> int:
        return 3 if self.problem else 2

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return title, input and alerts; the cursor is always in view."""
        title: list[Part] = [("─ ", palette.grid), ("ALERTS ", palette.key)]
        keys = _KEYS if width >= len(_KEYS) + 14 else _FEW_KEYS
        rows = [spread(title, [(f" {keys}", palette.muted), (" ─", palette.grid)], width, "─", palette.grid)]
        symbol = clean(self.address.rpartition(":")[2], 30)
        line: list[Part] = [(f"  {symbol}: ", palette.text), (f"{clean(self.typed)}▏", palette.key)]
        if not self.typed:
            more = ", with again behind it to repeat" if width >= 120 else ""
            line.append((f" {' · '.join(EXAMPLES)}{more}", palette.muted))
        rows.append(merge(line))  # cut at the edge where it is too long
        if self.problem:
            rows.append(((fit(f"  {clean(self.problem, 200)}", width), palette.warn),))
        room = max(1, height - len(rows))
        self._first = max(0, min(self.at - room // 2, len(self.rules) - room))
        for at, rule in enumerate(self.rules[self._first : self._first + room], self._first):
            row = self._rule(rule, palette, width)
            if at == self.at:
                row = merge((text, style + palette.cursor) for text, style in row)
            rows.append(row)
        if not self.rules:
            rows.append((("  no alerts yet", palette.muted),))
        return rows[:height]

    def _rule(self, rule: Rule, palette: Palette, width: int) -> Row:
        fired = self.alarms.get(rule)
        words = f"{rule.words}{' again' if rule.repeats else ''}"
        left: list[Part] = [(f"  {clean(rule.address, 40)}  ", palette.muted), (words, palette.text)]
        if fired is None:
            return spread(left, [("  armed ", palette.key)], width, " ", palette.base)
        told = f"  fired {format_time(fired.at + self._offset_ns)} "
        return spread(left, [(told, palette.warn)], width, " ", palette.base)
