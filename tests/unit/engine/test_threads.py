"""Several things at once: order, trouble, interruption."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from provisioner.engine.threads import together
from tests.clock import PATIENCE


def test_results_are_in_the_order_asked_for() -> None:
    second_ended = threading.Event()

    def first() -> int:
        assert second_ended.wait(PATIENCE)
        return 1

    def second() -> int:
        second_ended.set()
        return 2

    assert together([first, second], 2, lambda: None) == [1, 2]
    assert together([], 2, lambda: None) == []


def test_the_first_trouble_is_raised_and_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def fail() -> None:
        begun.append(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        together([fail, lambda: begun.append(2)], 1, lambda: None)
    assert begun == [1]


def test_an_interruption_cancels_and_waits() -> None:
    cancelled, ended = threading.Event(), threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert cancelled.wait(PATIENCE)
        ended.set()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            together([work], 1, cancelled.set)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.is_set()
