"""What commands return. Constants only: a no-op apply imports this."""

from __future__ import annotations

DONE = 0
FAILED = 1
"""Failed, blocked or invalid."""
PENDING = 2
"""Something differs, where that was the question."""
INTERRUPTED = 130
