"""Environment variables, as one value that all who look at a machine share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from provisioner.machine.signatures import Note
from provisioner.model.redaction import may_hold_secret


class Environment(Mapping[str, str]):
    """The variables of a machine. Whoever holds it sees what is set later, too; safe in threads."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = dict(variables)

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._variables))

    def __len__(self) -> int:
        return len(self._variables)

    def set(self, name: str, value: str | None) -> None:
        """Set a variable; None unsets it."""
        if value is None:
            self._variables.pop(name, None)
        else:
            self._variables[name] = value


class TracedEnvironment(Mapping[str, str]):
    """Variables that note who is asked for, however it is done.

    Of a secret only whether it is set is noted, since notes are kept.
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
