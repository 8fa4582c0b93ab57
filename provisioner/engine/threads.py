"""Several things at once, results in the order asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

WAKE = 0.2
"""The longest that the main thread sleeps, in seconds: a signal just before it does not wake it."""


def together(works: Sequence[Callable[[], T]], jobs: int, cancel: Callable[[], None]) -> list[T]:
    """Call all of `works`, at most `jobs` at once.

    The first that raises is raised here, once all have ended. When this thread is interrupted, `cancel` is
    called, which must make the works end soon; then the interruption is raised.
    """
    results: dict[int, T] = {}
    troubles: list[BaseException] = []
    todo = list(enumerate(works))
    lock = threading.Lock()

    def worker() -> None:
        while True:
            with lock:
                if not todo or troubles:
                    return
                index, work = todo.pop(0)
            try:
                results[index] = work()
            except BaseException as trouble:  # noqa: BLE001 - raised again in the caller's thread
                troubles.append(trouble)

    threads = [threading.Thread(target=worker) for _ in range(min(jobs, len(works)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            wait_for(thread)
    except BaseException:
        cancel()
        for thread in threads:
            wait_for(thread)
        raise
    if troubles:
        raise troubles[0]
    return [results[index] for index in range(len(works))]


def wait_for(thread: threading.Thread) -> None:
    """Until a thread has ended, if it ever began."""
    while thread.is_alive():
        thread.join(WAKE)
