"""The grammar of faults and their dice."""

import pytest

from mdterm.feeds.sim.faults import Fault, FaultError, Mischief, parse_faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop@30", Fault("drop", at_s=30)),
        ("silence:book@10+20", Fault("silence", "book", at_s=10, duration_s=20)),
        ("garbage~0.01", Fault("garbage", probability=0.01)),
        ("refuse:auth", Fault("refuse", "auth")),
        ("refuse:rest=401@1.5", Fault("refuse", "rest", value=401, at_s=1.5)),
        ("delay=200", Fault("delay", value=200)),
        (" drop:nonbook~1 ", Fault("drop", "nonbook", probability=1)),
    ],
)
def test_a_fault_is_read(text: str, fault: Fault) -> None:
    assert parse_faults(text) == (fault,)


def test_several_faults_are_joined_by_commas() -> None:
    assert [fault.kind for fault in parse_faults("drop@1, silence ,delay=3")] == ["drop", "silence", "delay"]
    assert parse_faults("") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("explode@3", "there is no fault 'explode'"),
        ("drop", "needs a moment or a probability"),
        ("drop@3~0.5", "needs a moment or a probability"),
        ("delay", "needs its milliseconds"),
        ("silence=3", "takes no value"),
        ("silence~0.5", "takes no probability"),
        ("garbage~2", "above 0 and at most 1"),
        ("garbage~0", "above 0 and at most 1"),
        ("silence:wing", "no scope 'wing'"),
        ("drop:auth@3", "no scope 'auth'"),
        ("refuse=200", "not an HTTP error status"),
        ("refuse:auth=401", "takes no value"),
        ("silence@1.2.3", "'1.2.3' is not a number"),
        ("@@@", "is not a fault"),
    ],
)
def test_what_is_not_a_fault_is_said_in_words(text: str, words: str) -> None:
    with pytest.raises(FaultError, match=words):
        parse_faults(text)


class Watch:
    """Seconds, set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_fault_holds_from_its_moment_for_its_duration() -> None:
    watch = Watch()
    mischief = Mischief(parse_faults("silence:book@10+20"), 1, watch)
    heard = []
    for watch.now in (9.9, 10.0, 29.9, 30.0):
        heard.append(mischief.is_silent("book"))
    assert heard == [False, True, True, False]
    watch.now = 15
    assert not mischief.is_silent("nonbook")


def test_delays_add_up_and_refusals_have_a_status() -> None:
    mischief = Mischief(parse_faults("delay=200,delay:rest=300,refuse:book,refuse:rest=500"), 1, Watch())
    assert mischief.delay_s("book") == pytest.approx(0.2)
    assert mischief.delay_s("rest") == pytest.approx(0.5)
    assert [mischief.refusal(scope) for scope in ("book", "nonbook", "rest")] == [503, None, 500]


def test_a_drop_at_a_moment_cuts_once_and_keeps_the_door_shut_while_it_lasts() -> None:
    watch = Watch()
    mischief = Mischief(parse_faults("drop:book@5+2"), 1, watch)
    assert mischief.cuts() == []
    watch.now = 5.01
    assert mischief.cuts() == ["book"]
    assert mischief.cuts() == []
    assert mischief.refusal("book") == 503
    assert mischief.refusal("rest") is None
    watch.now = 7.01
    assert mischief.refusal("book") is None


def test_two_drops_are_two_drops() -> None:
    watch = Watch()
    mischief = Mischief(parse_faults("drop@1,drop:book@1"), 1, watch)
    watch.now = 1
    assert sorted(mischief.cuts()) == ["book", "book", "nonbook", "rest"]


def test_dice_are_seeded() -> None:
    def rolls(seed: int) -> list[bytes | None]:
        mischief = Mischief(parse_faults("garbage~0.3"), seed, Watch())
        return [mischief.garbage("book", b'{"points":[]}') for _ in range(50)]

    assert rolls(1) == rolls(1)
    assert rolls(1) != rolls(2)
    assert 5 < sum(roll is not None for roll in rolls(1)) < 25


def test_random_drops_are_rolled_once_a_second() -> None:
    watch = Watch()
    mischief = Mischief(parse_faults("drop:book~1"), 1, watch)
    watch.now = 3.5
    assert mischief.cuts() == ["book"] * 3
    assert mischief.cuts() == []
