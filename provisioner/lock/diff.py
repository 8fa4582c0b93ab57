"""What a target holds, and what is different in it, for whoever reviews a lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from provisioner.lock.document import Target


@dataclass(frozen=True)
class Entry:
    """One thing that is locked: what a person calls it, and the sha256 of its files."""

    version: str
    files: tuple[str, ...] = ()


def entries(target: Target | None) -> dict[str, Entry]:
    """All that a target holds, by address."""
    found: dict[str, Entry] = {}
    for kind, pins in (target.pins if target else {}).items():
        told = TypeAdapter(type(pins)).dump_python(pins, mode="json")
        if "packages" in told:
            found |= {
                f"{kind}.{one['name']}": Entry(identity(one), tuple(hashes(one))) for one in told["packages"]
            }
        else:
            found |= {f"{kind}.{name}": Entry(one["sha256"][:12]) for name, one in told.items()}
    return found


def identity(package: Mapping[str, Any]) -> str:
    """The version of what is locked, and the commit where there is one."""
    commit = (package.get("vcs") or {}).get("commit_id")
    version = package.get("version") or "as it is"
    return f"{version} ({commit[:12]})" if commit else version


def hashes(package: Mapping[str, Any]) -> Iterator[str]:
    """Every sha256 in a package's entry."""
    files = [package, *package.get("wheels", ()), package.get("sdist") or {}, package.get("archive") or {}]
    for file in files:
        if sha256 := file.get("sha256") or (file.get("hashes") or {}).get("sha256"):
            yield sha256


def describe(before: Target | None, after: Target, cautions: tuple[str, ...]) -> Iterator[str]:
    """What a target holds, what of it is different, and what is to be known of it."""
    counts = ", ".join(f"{count(pins)} {kind}" for kind, pins in after.pins.items() if count(pins))
    state = " (as it was)" if before == after else ""
    yield f"{after.name}: {counts or 'nothing'} on top of what the base brings{state}"
    changes = list(differences(entries(before), entries(after))) if before else []
    width = max((len(address) for _, address, _ in changes), default=0)
    yield from (f"  {sign} {address:{width}}  {what}" for sign, address, what in changes)
    for address in after.unlocked:
        yield f"  ! {address}  not locked: only the machine itself can be asked"
    for address in built(after):
        yield f"  ! {address}  built from source, by whatever builds it then"
    yield from (f"  ! {caution}" for caution in cautions)


def differences(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Iterator[tuple[str, str, str]]:
    """(sign, address, what happened) for all that is not the same."""
    for address in sorted(old.keys() | new.keys()):
        was, now = old.get(address), new.get(address)
        if was == now:
            continue
        if was and now and was.version == now.version:
            yield "~", address, f"{now.version}, and other files than before"
        else:
            sign = "+" if was is None else "-" if now is None else "~"
            yield sign, address, " -> ".join(each.version for each in (was, now) if each)


def built(target: Target) -> Iterator[str]:
    """The addresses of what has no wheel."""
    for kind, pins in target.pins.items():
        packages = getattr(pins, "packages", ())
        yield from (f"{kind}.{each.name}" for each in packages if getattr(each, "sdist", None))


def count(pins: Any) -> int:
    return len(getattr(pins, "packages", pins))
