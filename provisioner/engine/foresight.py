"""Looking ahead: what files will hold that entries are still to make, as far as their kinds can tell."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from provisioner.kinds.order import folders_above
from provisioner.machine.delegate import Delegate
from provisioner.machine.reader import Context, Reader, Stat
from provisioner.model.errors import ObserveError, Unforeseen

Foretell = Callable[[Reader, str], bytes | None]
"""What a path below a maker's will hold, given a Reader that does not ask that maker again; None where that
cannot be known."""


class ForeseeingReader(Delegate[Reader]):
    """Reads what is still to be made as it will be, given who makes which paths.

    Raises Unforeseen for what nobody can tell. Everything else is as `inner` has it.
    """

    def __init__(self, inner: Reader, makers: Mapping[str, Foretell]) -> None:
        super().__init__(inner)
        self.makers = makers
        self.told: dict[str, bytes] = {}

    @property
    def context(self) -> Context:
        return replace(self.inner.context, foreseen=tuple(self.makers))

    def maker_of(self, path: str) -> str | None:
        """The innermost path that is still to be made, of a path and the folders above it."""
        return next((place for place in (path, *folders_above(path)) if place in self.makers), None)

    def foretell(self, path: str, place: str) -> bytes:
        if path not in self.told:
            others = {other: tell for other, tell in self.makers.items() if tell is not self.makers[place]}
            try:
                found = self.makers[place](ForeseeingReader(self.inner, others), path)
            except ObserveError as error:
                raise Unforeseen(error.message, error.hint) from error
            if found is None:
                raise Unforeseen(f"what {path} will hold is not known")
            self.told[path] = found
        return self.told[path]

    def read(self, path: str) -> bytes | None:
        place = self.maker_of(path)
        return self.foretell(path, place) if place else self.inner.read(path)

    def stat(self, path: str) -> Stat | None:
        place = self.maker_of(path)
        return Stat("file", 0o644, len(self.foretell(path, place)), 0) if place else self.inner.stat(path)

    def hash(self, path: str) -> str | None:
        place = self.maker_of(path)
        if place is None:
            return self.inner.hash(path)
        return hashlib.sha256(self.foretell(path, place)).hexdigest()

    def list(self, path: str) -> tuple[str, ...] | None:
        if self.maker_of(path):
            raise Unforeseen(f"what {path} will hold is not known")
        return self.inner.list(path)
