"""The alerts and pairs that a feed begins with: those of the configuration, and those set on the screen."""

import logging
from typing import TYPE_CHECKING

import msgspec

from mdterm.app.commands.context import Failed
from mdterm.feeds.alerts import Rule, parse_alert

if TYPE_CHECKING:
    from mdterm.app.far import AnyWorld
    from mdterm.app.state import State

log = logging.getLogger(__name__)


def configured_rules(world: "AnyWorld") -> list[Rule]:
    """Return the alerts of the configuration. Raise SettingsError, or Failed."""
    try:
        return [_resolved(world, parse_alert(one)) for one in world.settings.alerts]
    except ValueError as error:
        raise world.settings.error("alerts", str(error)) from None


def kept_rules(world: "AnyWorld", state: "State", known: list[Rule]) -> list[Rule]:
    """Return the alerts that were set on the screen, as far as what they look at is still to be had."""
    found = []
    at_hand = world.names
    for text in state.table("alerts"):
        try:
            rule = parse_alert(text)
            if rule.address.partition(":")[0] not in at_hand:
                continue  # nobody wants the simulated market back for an alert on it
            rule = _resolved(world, rule)
        except (ValueError, Failed) as error:
            log.warning("the alert %s cannot be set: %s", text, error)
            continue
        if rule not in known:
            found.append(rule)
    return found


def configured_pairs(world: "AnyWorld") -> list[tuple[str, str]]:
    """Return the addresses of the pairs as their providers write them. Raise SettingsError, or Failed."""
    found = []
    for pair in world.settings.pairs:
        try:
            first, second = (world.instruments([address])[0].address for address in pair)
        except ValueError as error:
            raise world.settings.error("pairs", str(error)) from None
        found.append((first, second))
    return found


def _resolved(world: "AnyWorld", rule: Rule) -> Rule:
    """Return an alert on the address as its provider writes it. Raise AddressError, or Failed."""
    (instrument,) = world.instruments([rule.address])
    return msgspec.structs.replace(rule, address=instrument.address)
