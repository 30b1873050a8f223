"""Ways of doing the same work, in turns, and the ratios of their times."""

from __future__ import annotations

import time

from harness.measuring.turns import Pairs, take_turns


def test_ratios_are_ours_over_theirs_pair_by_pair() -> None:
    pairs = Pairs(ours=(2.0, 3.0, 9.0), theirs=(1.0, 3.0, 3.0))
    assert pairs.ratios == [2.0, 1.0, 3.0]
    assert pairs.median == 2.0


def test_ways_take_turns_and_begin_in_turns() -> None:
    calls = ""

    def call(name: str, seconds: float) -> None:
        nonlocal calls
        calls += name
        time.sleep(seconds)

    quick, slow = take_turns(lambda: call("q", 0.0), lambda: call("s", 0.01), turns=3, pause_seconds=0.0)
    assert calls == "qs" + "qs" + "sq" + "qs"
    assert len(quick) == len(slow) == 3
    assert min(slow) >= 0.01 > min(quick)
