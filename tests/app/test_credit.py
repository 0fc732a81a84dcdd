"""Credit: one frame set under way, acknowledged by the terminal, or by the writer where it is silent."""

import pytest
from rich.segment import Segment
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from mdterm.app.canvas import Canvas
from mdterm.app.credit import AGAIN_S, PATIENCE_S, QUESTION, Credit
from mdterm.app.outlet import STALLED_S, Allowance, Meter, Outlet

SIZE = (8, 1)


class Wire:
    """A sink that keeps what is written, and is drained when a test says so."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.drained = True

    def write(self, data: str) -> None:
        self.written.append(data)

    def is_drained(self) -> bool:
        return self.drained


class Bench:
    """An outlet, its wire, and time that a test moves."""

    def __init__(self, *, synchronised: bool = False, bytes_per_s: float | None = None) -> None:
        self.now = 100.0
        self.acked: list[int] = []
        self.credit = Credit(self.acked.append, lambda: self.now)
        self.wire = Wire()
        self.waits: list[float] = []
        self.outlet = Outlet(
            Canvas(),
            self.credit,
            lambda: synchronised,
            allowance=None if bytes_per_s is None else Allowance(bytes_per_s, 20.0, lambda: self.now),
            later=self.waits.append,
        )
        self.outlet.open(self.wire)

    def paint(self, text: str) -> None:
        self.outlet.display(LayoutUpdate([[Strip([Segment(text.ljust(8))])]], Region(0, 0, *SIZE)), SIZE)

    def frame(self, number: int, text: str) -> None:
        self.paint(text)
        self.outlet.painted(number, self.now)

    def silence(self) -> None:
        self.now += PATIENCE_S
        self.outlet.tick()
        self.wire.written.clear()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_question_follows_the_frame_and_its_answer_is_the_credit(bench: Bench) -> None:
    assert bench.wire.written == [QUESTION]
    bench.credit.answered()
    bench.frame(1, "one")
    assert bench.wire.written[-1] == QUESTION
    assert "one" in bench.wire.written[-2]
    assert bench.acked == []
    bench.credit.answered()
    assert bench.acked[-1] == 1


def test_a_frame_that_changes_nothing_costs_nothing_and_is_acknowledged(bench: Bench) -> None:
    bench.credit.answered()
    bench.frame(1, "same")
    bench.credit.answered()
    written = len(bench.wire.written)
    bench.frame(2, "same")
    assert len(bench.wire.written) == written
    assert bench.acked[-1] == 2


def test_a_stalled_terminal_gets_nothing_until_it_answers_then_only_the_newest(bench: Bench) -> None:
    bench.credit.answered()
    bench.frame(1, "one")
    written = len(bench.wire.written)
    bench.now += STALLED_S
    for text in ("two", "three", "four"):
        bench.paint(text)
    assert len(bench.wire.written) == written
    assert bench.outlet.is_holding
    bench.credit.answered()
    bench.outlet.release()
    assert len(bench.wire.written) == written + 1
    assert "four" in bench.wire.written[-1]
    assert "two" not in bench.wire.written[-1]


def test_an_echo_is_painted_while_an_answer_is_still_young(bench: Bench) -> None:
    bench.credit.answered()
    bench.frame(1, "one")
    bench.paint("key")
    assert "key" in bench.wire.written[-1]


def test_nothing_is_queued_behind_a_writer_that_has_not_drained(bench: Bench) -> None:
    bench.credit.answered()
    bench.wire.drained = False
    written = len(bench.wire.written)
    bench.frame(1, "one")
    assert len(bench.wire.written) == written
    bench.wire.drained = True
    bench.outlet.release()
    assert "one" in bench.wire.written[-2]
    assert bench.wire.written[-1] == QUESTION


def test_a_terminal_that_never_answers_is_credited_by_the_writer(bench: Bench) -> None:
    bench.frame(1, "one")
    assert bench.acked == []
    bench.silence()
    assert bench.credit.answers is False
    assert bench.acked[-1] == 1
    bench.frame(2, "two")
    assert QUESTION not in bench.wire.written
    assert bench.acked[-1] == 2


def test_without_answers_credit_waits_for_the_writer(bench: Bench) -> None:
    bench.frame(1, "one")
    bench.silence()

    class Slow(Wire):
        def write(self, data: str) -> None:
            super().write(data)
            self.drained = False

    slow = Slow()
    bench.outlet._sink = slow
    bench.frame(2, "two")
    slow.drained = True
    assert bench.acked == [1]
    bench.outlet.release()
    bench.credit.drained()
    assert bench.acked[-1] == 2


def test_a_late_first_answer_is_believed(bench: Bench) -> None:
    bench.silence()
    bench.credit.answered()
    bench.frame(1, "one")
    assert bench.wire.written[-1] == QUESTION


def test_a_lost_answer_is_asked_for_again(bench: Bench) -> None:
    bench.credit.answered()
    bench.frame(1, "one")
    asked = bench.wire.written.count(QUESTION)
    bench.now += AGAIN_S - 0.1
    bench.outlet.tick()
    assert bench.wire.written.count(QUESTION) == asked
    bench.now += 0.1
    bench.outlet.tick()
    bench.outlet.tick()
    assert bench.wire.written.count(QUESTION) == asked + 1
    bench.credit.answered()
    assert bench.acked[-1] == 1


def test_an_answer_that_nobody_awaits_is_no_credit(bench: Bench) -> None:
    bench.credit.answered()
    bench.frame(1, "one")
    bench.credit.answered()
    acked = list(bench.acked)
    bench.credit.answered()
    assert bench.acked == acked


def owed_since(bench: Bench) -> float | None:
    return bench.outlet.owed


def test_what_is_owed_counts_from_the_frame_that_the_terminal_has_not_got(bench: Bench) -> None:
    bench.credit.answered()
    assert owed_since(bench) is None
    bench.frame(1, "one")
    assert owed_since(bench) == bench.now
    bench.now += 2
    assert owed_since(bench) == bench.now - 2
    bench.credit.answered()
    bench.now += 60
    assert owed_since(bench) is None  # nothing new was made: that is not the terminal's fault


def test_a_frame_that_cannot_be_written_yet_is_owed_too(bench: Bench) -> None:
    bench.credit.answered()
    bench.wire.drained = False
    bench.frame(1, "one")
    bench.now += 3
    assert bench.outlet.owed == bench.now - 3


def test_frames_are_wrapped_where_the_terminal_can_hold_them_back() -> None:
    bench = Bench(synchronised=True)
    bench.frame(1, "one")
    assert bench.wire.written[1].startswith("\x1b[?2026h")
    assert bench.wire.written[1].endswith("\x1b[?2026l")


def test_the_meter_counts_what_was_written(bench: Bench) -> None:
    bench.credit.answered()
    meter = Meter()
    meter.read(bench.outlet, bench.now)
    before = sum(map(len, bench.wire.written))
    bench.frame(1, "one")
    bench.now += 2
    frames, rate = meter.read(bench.outlet, bench.now)
    assert frames == pytest.approx(0.5)
    assert rate == pytest.approx((sum(map(len, bench.wire.written)) - before) / 2)


def test_a_row_heals_a_second_while_something_is_written_and_none_while_nothing_is(bench: Bench) -> None:
    bench.credit.answered()
    bench.outlet.tick()
    bench.frame(1, "one")
    bench.credit.answered()
    written = len(bench.wire.written)
    bench.outlet.tick()
    assert len(bench.wire.written) == written + 1
    assert "one" in bench.wire.written[-1]
    bench.outlet.tick()
    assert len(bench.wire.written) == written + 1


def test_a_thin_link_is_given_no_more_than_its_bytes_and_gets_the_newest() -> None:
    bench = Bench(bytes_per_s=10.0)
    bench.credit.answered()
    bench.wire.written.clear()
    bench.frame(1, "aaaaaaaa")
    told = sum(map(len, bench.wire.written)) + len(QUESTION)
    assert "aaaaaaaa" in bench.wire.written[0], "what is larger than its share is written whole"
    bench.credit.answered()
    bench.wire.written.clear()
    bench.frame(2, "bbbbbbbb")
    bench.frame(3, "cccccccc")
    assert bench.wire.written == []
    owed = (told - 20.0 + 1.0) / 10.0
    assert bench.waits == pytest.approx([owed] * len(bench.waits))
    bench.now += owed - 0.2
    bench.outlet.release()
    assert bench.wire.written == []
    bench.now += 0.2
    bench.outlet.release()
    assert "cccccccc" in "".join(bench.wire.written)
    assert "b" not in "".join(bench.wire.written)
    bench.credit.answered()
    assert bench.acked[-1] == 3


def test_an_allowance_is_not_saved_up() -> None:
    bench = Bench(bytes_per_s=10.0)
    allowance = Allowance(10.0, 20.0, lambda: bench.now)
    bench.now += 3600.0
    allowance.spend(30)
    assert allowance.wait() == pytest.approx(1.1)
    bench.now += 1.1
    assert allowance.wait() == 0.0
