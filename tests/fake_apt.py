"""apt and dpkg for the machine in memory: packages with dependencies and conflicts, from repositories."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from provisioner.machine.reader import Completed
from provisioner.model.effects import Run
from tests.fakes import FakeMachine

STATUS = "/var/lib/dpkg/status"
DPKG = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\n"
SOURCES = "/etc/apt/sources.list.d"
SIZE = 1000


@dataclass(frozen=True)
class Offer:
    """A package that a repository has; "" is the machine's own repository."""

    depends: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    repository: str = ""
    version: str = "1.0"


@dataclass
class FakeApt:
    """What apt knows, and what it was asked to do."""

    offers: Mapping[str, Offer]
    installs: list[tuple[str, ...]] = field(default_factory=list)
    """The words of every call that installs."""
    updates: int = 0
    reads: int = 0
    """How often it simulated, which reads dpkg's database."""

    def settle(self, machine: FakeMachine) -> None:
        """Put it into a machine."""
        machine.put(STATUS, DPKG)
        machine.put(f"{SOURCES}/debian.sources", "Types: deb\n")
        for folder in ("/usr/share/man/man1", "/usr/share/man/man7"):
            machine.make_folders(folder)
        machine.programs |= {
            "apt-get": self.apt_get,
            "apt-cache": self.apt_cache,
            "apt-mark": lambda _machine, _run: Completed(0, "", ""),
            "flock": self.update,
            "update-alternatives": self.set_alternative,
            **dict.fromkeys(("mkdir", "rm", "touch", "tee"), keep_files),
            "cp": self.copy,
        }

    def copy(self, machine: FakeMachine, run: Run) -> Completed:
        source, to = run.argv[-2:]
        for name in machine.list(source) or ():
            machine.put(f"{to}/{name}", machine.read(f"{source}/{name}") or b"")
        return Completed(0, "", "")

    def update(self, machine: FakeMachine, run: Run) -> Completed:
        self.updates += 1
        machine.put(f"{machine.state}/apt/lists/x_Packages", " ".join(self.sources(machine, run)))
        return Completed(0, "", "")

    def sources(self, machine: FakeMachine, run: Run) -> list[str]:
        """The names of the repositories that a call sees."""
        trial = [word.partition("=")[2] for word in run.argv if word.startswith("Dir::Etc::SourceParts=")]
        return [
            name.removesuffix(".sources")
            for name in machine.list(trial[0] if trial else SOURCES) or ()
            if name.endswith(".sources")
        ]

    def known(self, machine: FakeMachine, run: Run) -> dict[str, Offer]:
        seen = {"", *self.sources(machine, run)}
        return {name: offer for name, offer in self.offers.items() if offer.repository in seen}

    def apt_cache(self, machine: FakeMachine, run: Run) -> Completed:
        return Completed(0, "\n".join(self.known(machine, run)), "")

    def apt_get(self, machine: FakeMachine, run: Run) -> Completed:
        words = run.argv[run.argv.index("install") + 1 :]
        wanted = [word.partition("=")[0] for word in words if not word.endswith("-")]
        gone = [word[:-1] for word in words if word.endswith("-")]
        known, here = self.known(machine, run), installed(machine)
        if unknown := [name for name in wanted if name not in known and name not in here]:
            return Completed(100, "", "".join(f"E: Unable to locate package {name}\n" for name in unknown))
        coming = [name for name in closure(wanted, known) if name not in here]
        after = (set(here) | set(coming)) - set(gone)
        if clash := next(clashes(after, known), None):
            unmet = f"The following packages have unmet dependencies:\n {clash[0]} : Conflicts: {clash[1]}\n"
            return Completed(100, unmet, "E: Unable to correct problems, you have held broken packages.\n")
        for name in coming:
            if lacking := [other for other in known[name].depends if other not in after]:
                reason = f" {name} : Depends: {lacking[0]} but it is not going to be installed\n"
                return Completed(100, f"The following packages have unmet dependencies:\n{reason}", "")
        if "--print-uris" in run.argv:
            lines = [f"'http://x/{name}.deb' {name}.deb {SIZE} SHA256:0" for name in coming]
        else:
            lines = [f"Inst {name} ({known[name].version} Debian:12 [all])" for name in coming]
            lines += [f"Remv {name} [{here[name]}]" for name in gone]
        if "-s" in run.argv:
            self.reads += 1
        elif "--print-uris" not in run.argv:
            self.installs.append(words)
            install(machine, {name: here.get(name) or known[name].version for name in after})
        return Completed(0, "".join(f"{line}\n" for line in lines), "")

    def set_alternative(self, machine: FakeMachine, run: Run) -> Completed:
        program, path = run.argv[-2:]
        if posixpath.basename(posixpath.dirname(posixpath.dirname(path))) not in home_names(machine):
            return Completed(2, "", f"alternative {path} for {program} not registered")
        machine.put_link(f"/etc/alternatives/{program}", path)
        return Completed(0, "", "")


def keep_files(machine: FakeMachine, run: Run) -> Completed:
    """mkdir, rm, touch and tee."""
    path = run.argv[-1]
    match posixpath.basename(run.argv[0]):
        case "mkdir":
            machine.make_folders(path)
        case "rm":
            machine.drop(path)
        case _:
            machine.put(path, run.stdin)
    return Completed(0, "", "")


def stanza(package: tuple[str, str]) -> str:
    name, version = package
    return f"\nPackage: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n"


def install(machine: FakeMachine, versions: Mapping[str, str]) -> None:
    """Make this all that is installed, dpkg apart."""
    machine.put(STATUS, DPKG + "".join(map(stanza, versions.items())))


def installed(machine: FakeMachine) -> dict[str, str]:
    """The versions of what is installed, dpkg apart."""
    found = {}
    for text in (machine.read(STATUS) or b"").decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
        found[fields["Package"]] = fields["Version"]
    return {name: version for name, version in found.items() if name != "dpkg"}


def home_names(machine: FakeMachine) -> set[str]:
    """The folders of the JDKs that are installed."""
    kits = [name.split("-")[1] for name in installed(machine) if name.startswith("openjdk-")]
    return {f"java-{version}-openjdk-amd64" for version in kits}


def closure(names: Collection[str], known: Mapping[str, Offer]) -> list[str]:
    """Packages and all that they need, in an order in which they can be installed."""
    found: list[str] = []

    def visit(name: str) -> None:
        if name not in found:
            for other in known[name].depends if name in known else ():
                visit(other)
            found.append(name)

    for name in names:
        visit(name)
    return found


def clashes(names: Collection[str], known: Mapping[str, Offer]) -> Iterator[tuple[str, str]]:
    for name in sorted(names):
        yield from ((name, other) for other in known[name].conflicts if other in names)


JDK = {
    "openjdk-17-jdk-headless": Offer(("openjdk-17-jre-headless",)),
    "openjdk-17-jre-headless": Offer(("java-common", "certs")),
    "java-common": Offer(),
    "certs": Offer(),
}
"""A JDK, and what it needs."""
