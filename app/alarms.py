"""Alerts on the screen: the rules that are set, what fired, and how somebody learns of it."""

import os
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from textual.message import Message

from mdterm.app.keymap import Keymap
from mdterm.app.signals import signal_sequence
from mdterm.app.takeaway import TakeAway
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.port import Port

if TYPE_CHECKING:
    from mdterm.app.keeper import Keeper


class AlarmRaised(Message, bubble=False):
    """An alert fired."""

    def __init__(self, alarm: Alarm) -> None:
        super().__init__()
        self.alarm = alarm


class Alarms(TakeAway, inherit_bindings=False):
    """Tells of alerts: on the screen, in the log, and through the terminal to where somebody sits."""

    port: Port
    bound_keys: Keymap
    rules: tuple[Rule, ...]
    alarms: dict[Rule, Alarm]
    """What fired last, by rule; those that are not here are armed."""
    signals: Collection[str]
    keeper: "Keeper | None"

    def open_alarms(self) -> None:
        """Begin to be told of alerts, and set those there are."""
        self.port.heed(self._raised)
        if self.rules:
            self.port.alert(self.rules)

    def _raised(self, alarm: Alarm) -> None:
        """Take an alarm on the feed's thread."""
        self.post_message(AlarmRaised(alarm))

    def on_alarm_raised(self, message: AlarmRaised) -> None:
        """Tell of it."""
        alarm = message.alarm
        if not alarm.rule.repeats:
            self.alarms[alarm.rule] = alarm
            self._keep_rule(alarm.rule, is_set=False)  # what has fired must not fire again at the next start
        self.tell(f"alert: {alarm.words} ({alarm.rule.words})", "warning")
        self._signal(alarm.words)

    def _signal(self, words: str) -> None:
        self.outlet.say(signal_sequence(words, self.signals, os.environ))

    def action_alerts(self) -> None:
        """Show the alerts."""
        from mdterm.app.alertscreen import AlertScreen

        self.push_screen(
            AlertScreen(
                self.board.instrument.address,
                self.rules,
                self.alarms,
                self.bound_keys,
                changed=self._set_rules,
                test=self._test,
                offset_ns=self.board.header.offset_ns,
            )
        )

    def _set_rules(self, rules: Sequence[Rule], armed: Rule | None) -> None:
        """Set all alerts; ``armed`` begins anew, whatever it was before."""
        for gone in set(self.rules) - set(rules):
            self._keep_rule(gone, is_set=False)
        if armed is not None:
            self.alarms.pop(armed, None)
            self._keep_rule(armed, is_set=True)
            self.port.alert([one for one in rules if one != armed])
        self.rules = tuple(rules)
        self.port.alert(self.rules)

    def _keep_rule(self, rule: Rule, *, is_set: bool) -> None:
        """Have an alert there at the next start, or not; those of the configuration always are."""
        if self.keeper is not None:
            self.keeper.state.put(True if is_set else None, "alerts", rule.text)

    def _test(self) -> None:
        self.tell("test of an alert: it rings and notifies as the terminal does", "warning")
        self._signal("test of an alert")
