"""When somebody is taken to have been away, and when they are told of it."""

import pytest

from mdterm.app.presence import Presence, Step, Veil

AFTER_S = 300.0


class Desk:
    """Somebody at the screen, and a clock; every second somebody looks at it."""

    def __init__(self, after_s: float = AFTER_S) -> None:
        self.now = 1000.0
        self.presence = Presence(after_s, self.now)
        self.steps: list[Step] = []

    def wait(self, seconds: float) -> None:
        """Let time go by while the program runs."""
        for _ in range(int(seconds)):
            self.now += 1.0
            self._note(self.presence.tick(self.now))

    def sleep(self, seconds: float) -> None:
        """Let time go by while it stands still."""
        self.now += seconds

    def act(self) -> Step:
        return self._note(self.presence.act(self.now))

    def hide(self, veil: Veil) -> Step:
        return self._note(self.presence.hide(veil, self.now))

    def show(self, veil: Veil) -> Step:
        return self._note(self.presence.show(veil, self.now))

    def tick(self) -> Step:
        return self._note(self.presence.tick(self.now))

    def _note(self, step: Step) -> Step:
        if step is not None:
            self.steps.append(step)
        return step


def test_every_sign_of_life_begins_it_anew_but_not_every_key_of_a_burst() -> None:
    desk = Desk()
    desk.wait(2)
    assert desk.act() == "left"
    desk.now += 0.3
    assert desk.act() is None
    desk.wait(1)
    assert desk.act() == "left"


def test_who_only_watched_is_not_told_but_may_ask() -> None:
    desk = Desk()
    desk.wait(AFTER_S + 1)
    assert desk.act() == "returned"


@pytest.mark.parametrize("by", ["focus", "key"])
def test_who_comes_back_to_a_terminal_without_focus_is_told(by: str) -> None:
    desk = Desk()
    desk.wait(50)
    assert desk.hide("unfocused") == "left"
    desk.wait(AFTER_S)
    assert (desk.show("unfocused") if by == "focus" else desk.act()) == "told"
    assert desk.show("unfocused") is None
    assert desk.steps == ["left", "told"]


def test_a_short_look_elsewhere_is_no_absence() -> None:
    desk = Desk()
    desk.wait(1000)
    assert desk.hide("unfocused") == "left", "it counts from when the eyes left, not from the last key"
    desk.wait(AFTER_S - 10)
    assert desk.show("unfocused") == "left"


def test_a_terminal_that_was_stalled_is_told_once_it_is_looked_at_too() -> None:
    desk = Desk()
    desk.hide("stalled")
    desk.wait(100)
    assert desk.hide("stalled") is None
    assert desk.hide("unfocused") is None
    desk.wait(AFTER_S)
    assert desk.show("stalled") is None
    assert desk.show("unfocused") == "told"


@pytest.mark.parametrize("first", ["tick", "key"])
def test_a_program_that_stood_still_tells_what_passed(first: str) -> None:
    desk = Desk()
    desk.sleep(AFTER_S + 50)
    assert (desk.tick() if first == "tick" else desk.act()) is None
    desk.wait(1)
    assert desk.steps == [], "what had piled up in the sockets belongs to it"
    desk.wait(2)
    assert desk.steps == ["told"]


def test_a_machine_that_slept_while_nobody_looked_waits_for_them() -> None:
    desk = Desk()
    desk.hide("unfocused")
    desk.sleep(AFTER_S + 50)
    desk.wait(9)
    assert desk.steps == ["left"]
    assert desk.show("unfocused") == "told"


def test_a_key_before_what_had_piled_up_is_in_waits_for_it() -> None:
    desk = Desk()
    desk.hide("unfocused")
    desk.sleep(AFTER_S)
    assert desk.act() is None
    desk.wait(5)
    assert desk.steps == ["left", "told"]


def test_what_passed_while_the_past_was_shown_is_told_back_in_the_present() -> None:
    desk = Desk()
    desk.hide("rewound")
    for _ in range(40):
        desk.wait(10)
        assert desk.act() is None, "keys are for the past"
    assert desk.show("rewound") == "told"
    desk.hide("rewound")
    desk.wait(20)
    assert desk.show("rewound") == "left"


def test_it_can_be_left_to_the_key() -> None:
    desk = Desk(float("inf"))
    desk.hide("unfocused")
    desk.wait(100_000)
    assert desk.show("unfocused") == "left"
