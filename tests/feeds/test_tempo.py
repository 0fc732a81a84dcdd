"""The beat slows down for a thin link, not for a distant one, and comes back by itself."""

from itertools import pairwise

import pytest

from mdterm.feeds.tempo import SLOWEST_S, Tempo

PERIOD_S = 0.1


def after(*answers: float, period_s: float = PERIOD_S) -> Tempo:
    tempo = Tempo(period_s)
    for took_s in answers:
        tempo.answered(took_s)
    return tempo


def test_quick_answers_keep_the_period() -> None:
    assert after(*[0.005, 0.012, 0.03] * 50).period_s == PERIOD_S


def test_a_distant_terminal_is_not_a_slow_one() -> None:
    assert after(*[0.3, 0.31, 0.305] * 50).period_s == PERIOD_S


def test_a_single_late_answer_changes_nothing() -> None:
    assert after(*[0.01] * 10, 0.15, *[0.01] * 3).period_s == PERIOD_S


def test_a_thin_link_is_left_half_free() -> None:
    tempo = after(0.02, *[0.25] * 40)
    assert 0.45 <= tempo.period_s <= 1.0


def test_it_never_becomes_slower_than_the_slowest() -> None:
    assert after(0.02, *[30.0] * 100).period_s == pytest.approx(SLOWEST_S)
    assert after(0.02, *[30.0] * 100, period_s=5.0).period_s == 5.0


def test_it_comes_back_in_small_steps() -> None:
    tempo = after(0.02, *[0.25] * 40)
    periods = [tempo.period_s]
    while tempo.period_s > PERIOD_S:
        tempo.answered(0.02)
        periods.append(tempo.period_s)
    assert 10 < len(periods) < 100
    assert all(later >= earlier * 0.94 for earlier, later in pairwise(periods))


def test_a_link_that_became_longer_for_good_is_accepted() -> None:
    tempo = after(*[0.02] * 20, *[0.2] * 2000)
    assert tempo.period_s == PERIOD_S


def test_what_was_learnt_of_the_link_holds_for_another_period() -> None:
    tempo = after(0.02, *[0.25] * 40)
    slow = tempo.period_s
    tempo.ask(0.2)
    assert tempo.period_s == pytest.approx(slow)
    tempo.ask(2 * slow)
    assert tempo.period_s == pytest.approx(2 * slow)


def test_an_untroubled_beat_takes_the_period_that_is_asked_for() -> None:
    tempo = Tempo(PERIOD_S)
    tempo.ask(0.5)
    assert tempo.period_s == 0.5
    tempo.ask(PERIOD_S)
    assert tempo.period_s == PERIOD_S
