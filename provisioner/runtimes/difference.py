"""What differs between two images, and which differences affect a spec. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from provisioner.model.plan import Action, Change
from provisioner.runtimes.images import Image

UNKNOWN = "version not known"


def any_version(_version: str) -> bool:
    return True


@dataclass(frozen=True)
class Concern:
    """Something in an image that affects a spec."""

    address: str
    """Its address in a difference: `pip.numpy`, or a pattern, `pip.nvidia-*`."""
    wish: str = ""
    """What the spec asks for, in its own words: `numpy<2.1`. Empty when the spec does not require it."""
    fits: Callable[[str], bool] = any_version
    """Whether a version is accepted."""

    def is_about(self, address: str) -> bool:
        return fnmatchcase(address, self.address)

    def met_by(self, versions: dict[str, str]) -> bool:
        """Whether any of `versions`, by address, is accepted."""
        return any(
            version == UNKNOWN or self.fits(version)
            for address, version in versions.items()
            if self.is_about(address)
        )


@dataclass(frozen=True)
class Concerns:
    """Everything in an image that affects a spec, or a section of one."""

    concerns: tuple[Concern, ...] = ()
    unread: tuple[str, ...] = ()
    """Requirement files with lines that could not be read."""

    def __add__(self, other: Concerns) -> Concerns:
        return Concerns((*self.concerns, *other.concerns), (*self.unread, *other.unread))


def contents(image: Image) -> dict[str, str]:
    """Versions by address: the runtime's own, then pip by canonical names, then apt."""
    return {
        "runtime.os": image.os,
        "runtime.python": image.python,
        **{f"pip.{name}": version or UNKNOWN for name, version in sorted(image.distributions.items())},
        **{f"apt.{name}": version for name, version in sorted(image.apt.items())},
    }


def difference(old: Image, new: Image) -> tuple[Change, ...]:
    """What changed from one image to another, by kind and name."""
    before, after = contents(old), contents(new)
    kinds = {"runtime": 0, "pip": 1, "apt": 2}
    addresses = sorted(before.keys() | after.keys(), key=lambda each: (kinds[each.partition(".")[0]], each))
    return tuple(
        change(address, before.get(address), after.get(address))
        for address in addresses
        if before.get(address) != after.get(address)
    )


def change(address: str, before: str | None, after: str | None) -> Change:
    action = Action.CREATE if before is None else Action.REMOVE if after is None else Action.UPDATE
    return Change(address, action, before, after)


def affecting(old: Image, new: Image, concerns: Iterable[Concern]) -> tuple[Change, ...]:
    """The differences that affect a spec.

    Where the old image had what the spec asks for, and the new one does not, the reason says so.
    """
    concerns, available = tuple(concerns), contents(new)
    found = []
    for each in difference(old, new):
        if near := [concern for concern in concerns if concern.is_about(each.address)]:
            before = {each.address: each.before} if each.before else {}
            missed = (
                one.wish for one in near if one.wish and one.met_by(before) and not one.met_by(available)
            )
            wishes = ", ".join(dict.fromkeys(missed))
            found.append(replace(each, reason=f"the file asks for {wishes}" if wishes else ""))
    return tuple(found)
