"""Frame sets come at once, then in the period, one at a time, and only of what changed."""

import asyncio
import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from mdterm.feeds.beat import Beat
from mdterm.feeds.binding import Binding
from mdterm.feeds.frames import Frame, FrameSet, LinkLine, PanelFrame
from mdterm.feeds.specs import LadderSpec, TapeSpec, ViewSpec
from mdterm.feeds.status import Shown
from tests.feeds.support import ADDRESS, in_virtual_time, virtual_clock

PERIOD_S = 0.1


class Number(Frame, frozen=True, tag="number"):
    """A frame of one number."""

    value: int


class Panel:
    """A bound panel whose view is a number that the test sets."""

    def __init__(self, screen: "Screen", name: str) -> None:
        self.value = 0
        self.made = 0
        self.state = Shown("LIVE", age=0.0)
        self.error: Exception | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens while the frames of a beat are being made."""
        clock = virtual_clock()
        self.binding = Binding(
            name,
            ADDRESS,
            TapeSpec(5),
            simulated=False,
            make=self._make,
            state=lambda: self.state,
            now=clock.mono,
            offer=screen.beat.offer,
        )
        screen.beat.add(self.binding)

    def _make(self, spec: ViewSpec, now: float) -> tuple[ViewSpec, Frame | None]:
        self.made += 1
        self.meanwhile()
        self.meanwhile = lambda: None
        if self.error is not None:
            raise self.error
        return spec, Number(self.value)


class Screen:
    """What was posted, when; it acknowledges only when told."""

    def __init__(self) -> None:
        self.clock = virtual_clock()
        self.links: list[LinkLine] = []
        self.beat = Beat(self.clock, PERIOD_S, lambda: list(self.links))
        self.sets: list[FrameSet] = []
        self.began = self.clock.mono()
        self.at: list[float] = []
        self.is_owed = False

    def open(self) -> "Screen":
        self.is_owed = False
        self.beat.connect(self._take)
        return self

    def _take(self, frames: FrameSet) -> None:
        assert not self.is_owed, "one frame set outstanding"
        self.is_owed = True
        self.sets.append(frames)
        self.at.append(round(self.clock.mono() - self.began, 6))

    def ack(self) -> None:
        """Say that the newest set is there, if it is not said yet."""
        if self.is_owed:
            self.is_owed = False
            self.beat.ack(self.sets[-1].number)

    def values(self, name: str = "tape") -> list[int | None]:
        """Return the numbers posted for a panel, None for no frame."""
        found = []
        for one in self.sets:
            if name in one.panels:
                frame = one.panels[name].frame
                found.append(frame.value if isinstance(frame, Number) else None)
        return found


async def settled(seconds: float = 0.0) -> None:
    """Let time pass, and everybody do their work."""
    await asyncio.sleep(seconds)
    for _ in range(5):
        await asyncio.sleep(0)


async def begun(*names: str) -> tuple[Screen, list[Panel]]:
    """Return an open screen whose panels have their first frame, acknowledged, a second ago."""
    screen = Screen().open()
    panels = [Panel(screen, name) for name in names or ("tape",)]
    await settled()
    while screen.is_owed:
        screen.ack()
        await settled(1.0)
    screen.sets.clear()
    screen.at.clear()
    screen.began = screen.clock.mono()
    return screen, panels


# --- when ---------------------------------------------------------------------------------------------


@in_virtual_time
async def test_the_first_change_after_a_pause_is_drawn_at_once() -> None:
    screen, (panel,) = await begun()
    panel.value = 1
    screen.beat.touch()
    await settled()
    assert screen.at == [0.0]
    assert screen.values() == [1]


@in_virtual_time
async def test_further_changes_wait_for_the_period_and_the_latest_wins() -> None:
    screen, (panel,) = await begun()
    for step in range(1, 51):
        panel.value = step
        screen.beat.touch()
        await settled(0.01)
        screen.ack()
    await settled(1.0)
    gaps = [b - a for a, b in pairwise(screen.at)]
    assert min(gaps) >= PERIOD_S - 1e-6
    assert 5 <= len(screen.sets) <= 6
    assert screen.values()[0] == 1
    assert screen.values()[-1] == 50
    assert panel.made <= len(screen.sets) + 2


@in_virtual_time
async def test_nothing_is_made_while_a_set_is_under_way() -> None:
    screen, (panel,) = await begun()
    panel.value = 1
    screen.beat.touch()
    await settled()
    made = panel.made
    for step in range(2, 100):
        panel.value = step
        screen.beat.touch()
        await settled(0.05)
    assert panel.made == made
    assert screen.values() == [1]
    screen.ack()
    await settled()
    assert screen.values() == [1, 99], "what came in between is never drawn"
    assert screen.at[-1] == pytest.approx(98 * 0.05), "the period is long over"


@in_virtual_time
async def test_only_the_set_under_way_gives_its_credit_back() -> None:
    screen, (panel,) = await begun()
    panel.value = 1
    screen.beat.touch()
    await settled()
    number, screen.is_owed = screen.sets[-1].number, False
    for wrong in (number - 1, number + 1, 0, -1):
        screen.beat.ack(wrong)
    panel.value = 2
    screen.beat.touch()
    await settled(1.0)
    assert screen.values() == [1]
    screen.beat.ack(number)
    screen.beat.ack(number)
    await settled()
    assert screen.values() == [1, 2]


@in_virtual_time
async def test_an_urgent_change_does_not_wait_for_the_period() -> None:
    screen, (panel,) = await begun()
    panel.value = 1
    screen.beat.touch()
    await settled()
    screen.ack()
    panel.value = 2
    screen.beat.touch()
    await settled(0.02)
    panel.value = 3
    screen.beat.touch(urgent=True)
    await settled()
    assert screen.at == [0.0, 0.02]
    assert screen.values() == [1, 3]


@in_virtual_time
async def test_an_urgent_change_waits_for_the_credit() -> None:
    screen, (panel,) = await begun()
    panel.value = 1
    screen.beat.touch()
    await settled()
    panel.value = 2
    screen.beat.touch(urgent=True)
    await settled(5.0)
    assert screen.values() == [1]
    screen.ack()
    await settled()
    assert screen.values() == [1, 2]


@in_virtual_time
async def test_urgency_is_for_once() -> None:
    screen, (panel,) = await begun()
    for value, urgent in ((1, True), (2, False), (3, False)):
        panel.value = value
        screen.beat.touch(urgent=urgent)
        await settled(0.001)
        if value == 1:
            screen.ack()
    await settled(1.0)
    assert screen.at == [0.0, PERIOD_S]
    assert screen.values() == [1, 3]


# --- what ---------------------------------------------------------------------------------------------


@in_virtual_time
async def test_nothing_is_posted_when_nothing_changed() -> None:
    screen, panels = await begun("tape", "ladder")
    for _ in range(20):
        screen.beat.touch()
        await settled(0.2)
    assert screen.sets == []
    assert all(panel.made > 10 for panel in panels)


@in_virtual_time
async def test_only_changed_panels_are_posted() -> None:
    screen, (tape, _) = await begun("tape", "ladder")
    tape.value = 7
    screen.beat.touch()
    await settled()
    (frames,) = screen.sets
    assert set(frames.panels) == {"tape"}
    assert frames.made == screen.clock.mono()
    assert frames.wall == screen.clock.wall()


@in_virtual_time
async def test_a_value_that_comes_back_before_it_was_drawn_is_no_change() -> None:
    screen, (panel,) = await begun()
    panel.value = 1
    screen.beat.touch()
    await settled()
    panel.value = 2
    panel.value = 1
    screen.beat.touch()
    screen.ack()
    await settled(1.0)
    assert screen.values() == [1]


@in_virtual_time
async def test_links_alone_are_news_too() -> None:
    screen, _ = await begun()
    line = LinkLine("x/book", "x", Shown("LIVE"), 12.5, 3.0)
    other = LinkLine("x/nonbook", "x", Shown("LIVE"), 7.5, 3.0)
    screen.links = [line, other]
    screen.beat.touch()
    await settled()
    (frames,) = screen.sets
    assert frames.panels == {}
    assert frames.links == [line, other]
    assert frames.delay_ms == 7.5
    screen.ack()
    screen.beat.touch()
    await settled(1.0)
    assert len(screen.sets) == 1


@in_virtual_time
async def test_a_repaint_posts_every_panel_again() -> None:
    screen, _ = await begun("tape", "ladder")
    screen.beat.repaint()
    await settled()
    (frames,) = screen.sets
    assert set(frames.panels) == {"tape", "ladder"}


@in_virtual_time
async def test_a_repaint_asked_for_while_frames_are_made_is_not_lost() -> None:
    screen, (tape, ladder) = await begun("tape", "ladder")
    tape.meanwhile = screen.beat.repaint
    ladder.value = 1
    screen.beat.touch()
    await settled()
    screen.ack()
    await settled(1.0)
    assert screen.values("tape") == [0]
    assert screen.values("ladder") == [1]


# --- panels come and go -------------------------------------------------------------------------------


@in_virtual_time
async def test_a_new_panel_has_its_frame_at_once() -> None:
    screen, _ = await begun()
    late = Panel(screen, "late")
    late.value = 4
    await settled()
    assert screen.at == [0.0]
    assert screen.values("late") == [4]


@in_virtual_time
async def test_a_panel_that_leaves_while_its_frame_is_awaited_holds_nobody_up() -> None:
    screen, (tape, ladder) = await begun("tape", "ladder")
    tape.value = ladder.value = 1
    tape.meanwhile = lambda: screen.beat.remove("ladder")
    screen.beat.touch()
    await settled()
    assert screen.values() == [1]
    assert screen.values("ladder") == []
    screen.ack()
    tape.value = 2
    screen.beat.touch()
    await settled(1.0)
    assert screen.values() == [1, 2]


@in_virtual_time
async def test_the_only_panel_may_leave_while_it_is_awaited() -> None:
    screen, (tape,) = await begun()
    tape.value = 1
    tape.meanwhile = lambda: screen.beat.remove("tape")
    screen.beat.touch()
    await settled()
    assert screen.sets == []
    back = Panel(screen, "tape")
    back.value = 2
    await settled()
    assert screen.values() == [2]


@in_virtual_time
async def test_a_panel_bound_again_shows_nothing_of_the_one_before() -> None:
    screen, (old,) = await begun()
    new: list[Panel] = []
    old.value = 1
    old.meanwhile = lambda: new.append(Panel(screen, "tape"))
    screen.beat.touch()
    await settled(0.05)
    new[0].value = 2
    screen.beat.offer(old.binding, PanelFrame(Shown("LIVE"), Number(1)))
    screen.beat.touch()
    screen.ack()
    await settled(1.0)
    assert screen.values() == [0, 2]


@in_virtual_time
async def test_what_came_before_a_screen_is_shown_when_it_comes() -> None:
    screen = Screen()
    panel = Panel(screen, "tape")
    panel.value = 3
    screen.beat.touch()
    await settled(5.0)
    assert screen.sets == []
    screen.open()
    await settled()
    assert screen.values() == [3]


@in_virtual_time
async def test_a_new_screen_owes_nothing_and_gets_everything() -> None:
    screen, (panel,) = await begun()
    panel.value = 1
    screen.beat.touch()
    await settled()
    screen.open()
    await settled()
    assert screen.values() == [1, 1]


@in_virtual_time
async def test_closing_ends_every_task() -> None:
    screen, _ = await begun("tape", "ladder")
    screen.beat.touch()
    screen.beat.close()
    await settled(1.0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert others == set()
    assert screen.sets == []


# --- one panel ----------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_view_that_fails_takes_no_other_with_it_and_looks_dead() -> None:
    screen, (tape, ladder) = await begun("tape", "ladder")
    tape.error, ladder.value = KeyError("x"), 1
    screen.beat.touch()
    await settled()
    assert screen.values("ladder") == [1]
    failed = screen.sets[-1].panels["tape"]
    assert (failed.shown.word, failed.frame) == ("STALE", None)
    screen.ack()
    tape.error, tape.value = None, 5
    screen.beat.touch()
    await settled(1.0)
    assert screen.values("tape")[-1:] == [5], "and comes back when it can"


@in_virtual_time
async def test_a_view_that_keeps_failing_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        screen, (panel,) = await begun()
        panel.error = KeyError("x")
        for _ in range(100):
            screen.beat.touch()
            await settled(0.2)
            screen.ack()
    assert panel.made > 50
    assert len(caplog.records) == 1
    assert "panel tape" in caplog.text
    assert "KeyError" in caplog.text


@in_virtual_time
async def test_an_age_advances_once_a_second_and_a_word_at_once() -> None:
    screen, (panel,) = await begun()
    seen: list[Any] = []
    for step in range(40):
        panel.state = Shown("LIVE" if step < 35 else "STALE", age=step / 10)
        screen.beat.touch()
        await settled()
        if screen.sets:
            seen += [(one.panels["tape"].shown.word, one.panels["tape"].shown.age) for one in screen.sets]
            screen.ack()
            screen.sets.clear()
        await settled(0.1)
    ages = [age for word, age in seen if word == "LIVE"]
    assert 3 <= len(ages) <= 5
    assert seen[-1] == ("STALE", 3.5)


@in_virtual_time
async def test_a_ladder_stays_where_it_is_unless_its_grouping_changes() -> None:
    screen, _ = await begun()
    settled_at = LadderSpec(20, centre=50)
    binding = Binding(
        "ladder",
        ADDRESS,
        settled_at,
        simulated=False,
        make=lambda spec, now: (spec, None),
        state=lambda: Shown("LIVE"),
        now=screen.clock.mono,
        offer=screen.beat.offer,
    )
    screen.beat.add(binding)
    for spec, centre in (
        (LadderSpec(30), 50),
        (LadderSpec(30, frozen=True), 50),
        (LadderSpec(30, centre=60), 60),
        (LadderSpec(30, group=5), None),
        (LadderSpec(30, group=5, centre=7), 7),
        (LadderSpec(30, group=5, recentre=True), None),
        (TapeSpec(5), None),
    ):
        binding.respec(spec)
        assert getattr(binding.spec, "centre", None) == centre
        assert type(binding.spec) is type(spec)


@in_virtual_time
async def test_a_terminal_that_takes_frames_slowly_gets_fewer_and_all_again_when_it_can() -> None:
    screen, (panel,) = await begun()

    async def run(seconds: float, answer_s: float) -> int:
        """Change something all the time; return how many sets came."""
        screen.sets.clear()
        until = screen.clock.mono() + seconds
        while screen.clock.mono() < until:
            panel.value += 1
            screen.beat.touch()
            await settled(0.01)
            if screen.is_owed and screen.clock.mono() - screen.sets[-1].made >= answer_s - 1e-6:
                screen.ack()
        return len(screen.sets)

    await run(2.0, 0.01)
    quick = await run(10.0, 0.01)
    await run(10.0, 0.25)
    slow = await run(10.0, 0.25)
    await run(30.0, 0.01)
    again = await run(10.0, 0.01)
    assert quick > 80
    assert slow < 25
    assert again > 80


@in_virtual_time
async def test_the_period_can_be_changed_while_it_runs() -> None:
    screen, (panel,) = await begun()
    screen.beat.pace(0.5)
    for _ in range(40):
        panel.value += 1
        screen.beat.touch()
        await settled(0.05)
        screen.ack()
    assert {round(after - before, 2) for before, after in pairwise(screen.at)} == {0.5}


# --- far away -------------------------------------------------------------------------------------------


@in_virtual_time
async def test_far_away_one_answer_goes_beside_the_set_that_is_under_way() -> None:
    screen, (panel,) = await begun()
    screen.beat.answers_at_once = True
    posted: list[FrameSet] = []
    screen.beat.connect(posted.append)
    await settled()
    first = len(posted)
    screen.beat.touch(urgent=True)
    panel.value = 1
    await settled()
    assert len(posted) == first + 1, "the answer to a key"
    panel.value = 2
    screen.beat.touch(urgent=True)
    await settled(1.0)
    assert len(posted) == first + 1, "no second one"
    screen.beat.ack(posted[0].number)
    await settled(1.0)
    assert len(posted) == first + 2, "there is room for one more answer"
    panel.value = 3
    screen.beat.touch()
    await settled(1.0)
    assert len(posted) == first + 2, "what is no answer waits for all"
    screen.beat.ack(posted[-1].number)
    await settled(1.0)
    assert len(posted) == first + 3, "one receipt is for all before it"
    screen.beat.ack(10_000)
    panel.value = 4
    screen.beat.touch()
    await settled(1.0)
    assert len(posted) == first + 3, "a receipt for what was never sent is none"
