"""How apt-get is called, and what its complaints mean."""

from __future__ import annotations

from dataclasses import dataclass, replace

from provisioner.facts import dpkg as database
from provisioner.facts.dpkg import Dpkg
from provisioner.machine.reader import Reader
from provisioner.model.effects import Run

ENVIRONMENT = (
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("LC_ALL", "C.UTF-8"),
    ("NEEDRESTART_MODE", "l"),
    ("APT_LISTCHANGES_FRONTEND", "none"),
)
"""Nothing may ask a question, and messages are parsed, so they are in English."""

SCRUB = r"APT_CONFIG|DEBCONF_.*|LANGUAGE"

NETWORK = ("-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=30", "-o", "Acquire::https::Timeout=30")

UNATTENDED = (
    "-y",
    "-o",
    "Dpkg::Use-Pty=false",
    "-o",
    "DPkg::Lock::Timeout=300",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
)
"""Wait for another apt rather than fail, keep the configuration files that somebody edited, and draw no
progress bars into the log."""

NAMES_ONLY = ("-o", "APT::Cmd::Pattern-Only=true")
"""Without it apt-get takes an unknown name with a dot or a plus for a regular expression."""

TRANSIENT = (
    r"Could not get lock",
    r"Unable to acquire the dpkg frontend lock",
    r"Temporary failure resolving",
    r"Could not (?:connect|resolve)",
    r"[Cc]onnection (?:reset|timed out|refused|failed)",
    r"Connection closed|Undetermined Error|Remote end closed",
    r"\b(?:408|429|50[0234])\b +[A-Z]",
)

MOVED = r"\b404 +[A-Z]|Hash Sum mismatch|File has unexpected size"
"""What apt says of files that the archive no longer has: it replaces them several times a day."""

HINTS = (
    (
        r"No space left on device|don't have enough free space",
        "The disk is full: free some space and apply again.",
    ),
    (
        r"Could not get lock|Unable to acquire the dpkg frontend lock",
        "Another apt or dpkg is at work: wait until it ends, then apply again. Never delete a lock file.",
    ),
    (r"dpkg was interrupted", "Apply again: what was interrupted is repaired first."),
    (
        r"needs to be reinstalled, but I can't find an archive",
        "A package is broken and no repository has it any more: remove it with "
        "`dpkg --remove --force-remove-reinstreq NAME`, then apply again.",
    ),
    (
        r"(?:installed|new) (\S+) package (\S+) script subprocess",
        r"The \2 script of \1 failed; its last messages are above. Fix what it complains about and apply "
        "again, or name the package under `absent`.",
    ),
    (
        MOVED,
        "The repository changed since the package lists were read, or a file was damaged on the way: run "
        "apt-get update, or write `update: always`, and apply again.",
    ),
    (
        r"Held packages were changed",
        "A package is held at its version: `apt-mark showhold` names it. Release it with `apt-mark unhold`.",
    ),
    (
        r"Packages need to be removed but remove is disabled",
        "Something conflicts with what is installed. Name what may be removed under `absent`.",
    ),
    (
        r"Unable to locate package",
        "No repository has it: check the name, or add the repository it comes from.",
    ),
    (
        r"unmet dependencies",
        "The repositories of this machine do not fit together; apt's messages are above.",
    ),
    (
        r"[Cc]ertificate verification failed|No system certificates available",
        "Install ca-certificates first, or check the clock.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class AptOrder:
    """One transaction: what to install and what to remove, as apt-get is told."""

    install: tuple[str, ...] = ()
    """Names, `name=version`, or absolute paths of .deb files."""
    remove: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Where apt finds its package lists."""
    trial: tuple[str, ...] = ()
    """Where apt finds repositories that are yet to be added, which only queries may read."""
    recommends: bool = False
    force: bool = False
    """Whether held packages may change."""
    exact: bool = False
    """Whether only those very files will do that the package lists tell of."""
    transitive: tuple[str, ...] = ()
    """Names in `install` that are there for others only."""

    @property
    def words(self) -> tuple[str, ...]:
        """What apt-get is told to install and to remove."""
        return (*self.install, *(f"{name}-" for name in self.remove))

    @property
    def sources(self) -> tuple[str, ...]:
        """Where queries find package lists and repositories."""
        return (*self.options, *self.trial)

    @property
    def permissions(self) -> tuple[str, ...]:
        """What apt-get may do beyond installing: no more than the file asks for."""
        options = ["--install-recommends" if self.recommends else "--no-install-recommends"]
        if any("=" in word for word in self.install):
            options.append("--allow-downgrades")
        if self.force:
            options += ["--allow-change-held-packages", "--ignore-hold"]
        if not self.remove:
            options.append("--no-remove")
        return tuple(options)


NOTHING = AptOrder()


def name_of(word: str) -> str:
    """The package in one of apt's words: `name=version` without the version."""
    return word.partition("=")[0]


def installed_packages(reader: Reader) -> Dpkg | None:
    """What dpkg has installed; None where there is no dpkg, or no apt-get to change it with."""
    return database.observe(reader) if reader.which("apt-get") else None


def install(order: AptOrder) -> Run:
    """The transaction, for real. Other lists may tell of other files, so an exact one does without."""
    argv = ("apt-get", *UNATTENDED, *NETWORK, *NAMES_ONLY, *order.options, *order.permissions, "install")
    refresh = ("apt-get", *NETWORK, *order.options, "update")
    remedies = () if order.exact else ((MOVED, refresh),)
    return replace(change((*argv, *order.words)), remedies=remedies)


def repair(order: AptOrder) -> Run:
    """Finish what was left halfway, fetching what that needs."""
    argv = ("apt-get", *UNATTENDED, *NETWORK, *order.options, *order.permissions, "--fix-broken", "install")
    return change(argv)


def mark_automatic(names: tuple[str, ...]) -> Run:
    """Let apt still remove these packages with those that they came for."""
    return Run(argv=("apt-mark", "auto", *names), timeout=60)


def merge_journal() -> Run:
    """Have dpkg put its journal into its database, without which apt-get refuses to work.

    Any dpkg that may write does so first. This one then changes nothing, whereas `dpkg --configure -a`
    stops at packages whose dependencies have yet to be unpacked; --fix-broken configures them all.
    """
    return Run(argv=("dpkg", "--set-selections"), env=ENVIRONMENT, scrub=SCRUB, timeout=300, hints=HINTS)


def preseed(answers: str) -> Run:
    """Give debconf answers, one a line: package, question, type, value."""
    return Run(argv=("debconf-set-selections",), stdin=answers, env=ENVIRONMENT, scrub=SCRUB, timeout=300)


def change(argv: tuple[str, ...]) -> Run:
    return Run(
        argv=argv,
        env=ENVIRONMENT,
        scrub=SCRUB,
        timeout=3600,
        transient=TRANSIENT,
        hints=HINTS,
        progress="apt",
    )


def question(argv: tuple[str, ...], timeout: float = 120, stdin: str = "") -> Run:
    """A query, which takes no lock of the system's and writes nothing but caches of our own."""
    return Run(argv=argv, env=ENVIRONMENT, scrub=SCRUB, timeout=timeout, stdin=stdin)
