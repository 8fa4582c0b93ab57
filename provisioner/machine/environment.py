"""Environment variables, as one value that is shared by all who look at a machine."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping

from provisioner.machine.signatures import Note
from provisioner.model.redaction import may_hold_secret


class Environment(Mapping[str, str]):
    """The variables of a machine. Whoever holds it sees what is set later, too; safe in threads."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.current: Mapping[str, str] = dict(variables)
        """All of them at this moment, for who reads more than one: never changed, but replaced."""
        self._setting = threading.Lock()

    def __getitem__(self, name: str) -> str:
        return self.current[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.current)

    def __len__(self) -> int:
        return len(self.current)

    def set(self, name: str, value: str | None) -> None:
        """Set a variable; None unsets it."""
        with self._setting:
            others = {known: other for known, other in self.current.items() if known != name}
            self.current = others if value is None else {**others, name: value}


class TracedEnvironment(Mapping[str, str]):
    """Variables that record every access, however it is done.

    Of a secret only whether it is set is recorded, since notes are kept.
    """

    def __init__(
        self, variables: Mapping[str, str], notes: dict[Note, object], secrets: Collection[str]
    ) -> None:
        self._variables = variables
        self._notes = notes
        self._secrets = secrets

    def __getitem__(self, name: str) -> str:
        value = self._variables.get(name)
        if name in self._secrets or may_hold_secret(name):
            self._notes.setdefault(("set", name), None if value is None else bool(value))
        else:
            self._notes.setdefault(("env", name), value)
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        names = sorted(self._variables)
        self._notes.setdefault(("names", ""), names)
        return iter(names)

    def __len__(self) -> int:
        return len(list(iter(self)))
