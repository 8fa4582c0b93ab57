"""What of Colab's images a spec is concerned with: what it names, and what goes with that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from provisioner.facts.distributions import accepts
from provisioner.kinds.pip.requirements import Asked, Wanted, gather
from provisioner.kinds.shared.frameworks import FAMILIES, named_in
from provisioner.kinds.shared.versions import fits
from provisioner.model.errors import ProvisionerError
from provisioner.runtimes.difference import Concern
from provisioner.spec.spec import Spec

if TYPE_CHECKING:
    from provisioner.kinds.accelerator.section import Accelerator
    from provisioner.kinds.apt.requests import Choice
    from provisioner.kinds.apt.section import Apt
    from provisioner.kinds.jdk import Jdk
    from provisioner.kinds.pip.section import Pip
    from provisioner.kinds.runtime import Runtime


@dataclass(frozen=True)
class Relevance:
    """What a spec is concerned with."""

    concerns: tuple[Concern, ...]
    unread: tuple[str, ...] = ()
    """Requirements files with lines whose names only uv could tell."""


def relevance(spec: Spec) -> Relevance:
    """What `spec` is concerned with; its requirements files are read.

    Raises ProvisionerError when one of these is not there.
    """
    asked = ask(spec)
    concerns = [
        concern
        for name, section in spec.sections.items()
        if name in SECTIONS
        for concern in SECTIONS[name](section)
    ]
    return Relevance((*concerns, *of_distributions(asked)), tuple(dict.fromkeys(asked.undecided)))


def ask(spec: Spec) -> Asked:
    """The distributions that a spec asks of the image; those of a virtual environment are none of its."""
    pip: Pip | None = spec.sections.get("pip")
    if pip is None or pip.venv:
        return Asked()
    asked = gather(pip.packages, pip.editable, pip.requirements, pip.constraints, spec.folder, read)
    for path in asked.absent:
        raise ProvisionerError(
            f"there is no file {path}", f"{spec.path} names it: write it, or name another."
        )
    return asked


def read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def of_distributions(asked: Asked) -> Iterator[Concern]:
    yield from map(of_wanted, asked.wanted)
    yield from (Concern(f"pip.{name}") for name in asked.limits)
    yield from of_families(frozenset(wanted.name for wanted in asked.wanted))


def of_wanted(wanted: Wanted) -> Concern:
    """What is asked only of some machines, by a marker, is not said to be missed on another."""
    address = f"pip.{wanted.name}"
    if wanted.requirement.marker:
        return Concern(address)
    return Concern(address, str(wanted), partial(accepts, wanted.requirement))


def of_families(names: frozenset[str]) -> Iterator[Concern]:
    """What was built for what is named."""
    for family in FAMILIES:
        if named_in(family, names):
            yield from (Concern(f"pip.{pattern}") for pattern in family)


def of_pip(section: Pip) -> Iterator[Concern]:
    """Wheels are made for one Python."""
    yield Concern("runtime.python")
    if not section.venv:
        yield from (Concern(f"pip.{canonicalize_name(name)}") for name in section.absent)


def of_runtime(section: Runtime) -> Iterator[Concern]:
    if section.python:
        yield Concern("runtime.python", f"python {section.python}", partial(fits, wanted=section.python))
    if section.os:
        yield Concern("runtime.os")


def of_accelerator(section: Accelerator) -> Iterator[Concern]:
    """The frameworks that must compute on it."""
    yield from of_families(frozenset(section.frameworks))


def of_apt(section: Apt) -> Iterator[Concern]:
    """The packages that are named; and the system and its libc, which all of them are made for."""
    yield Concern("runtime.os")
    yield Concern("apt.libc6")
    for choice in section.packages:
        yield from of_choice(choice)
    yield from (Concern(f"apt.{name}") for name in section.absent)
    yield from (Concern(f"apt.{deb.identity[0]}") for deb in section.debs)


def of_choice(choice: Choice) -> Iterator[Concern]:
    """One of several is not missed, as long as another may be there."""
    for option in choice.any_of:
        address = f"apt.{option.name.removesuffix(':amd64')}"
        yield Concern(address, option.word, option.matches) if len(choice.any_of) == 1 else Concern(address)


def of_jdk(section: Jdk) -> Iterator[Concern]:
    """Its packages; their versions begin with Java's own."""

    def will_do(version: str) -> bool:
        return section.fits(int(re.split(r"\D", version)[0]))

    yield Concern("runtime.os")
    yield Concern("apt.openjdk-*")
    yield Concern("apt.openjdk-*-jdk*", f"jdk {section.version}", will_do)


SECTIONS: dict[str, Callable[[Any], Iterator[Concern]]] = {
    "runtime": of_runtime,
    "accelerator": of_accelerator,
    "apt": of_apt,
    "jdk": of_jdk,
    "pip": of_pip,
}
