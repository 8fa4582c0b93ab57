"""uv: command lines for it, and what its answers mean.

What it prints differs between releases; both the boxed errors of 0.11 and the plain ones after it are read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from packaging.utils import canonicalize_name

from provisioner.kinds.pip.specifiers import spell
from provisioner.machine.reader import Interpreter, Reader
from provisioner.model.effects import Run
from provisioner.model.errors import ObserveError
from provisioner.model.redaction import redact

SCRUB = (
    r"UV_(?!(CACHE_DIR|HTTP_TIMEOUT|HTTP_RETRIES|KEYRING_PROVIDER|LINK_MODE|NATIVE_TLS|SYSTEM_CERTS|"
    r"CONCURRENT_\w+|INDEX_\w+_(USERNAME|PASSWORD))$).*"
    r"|PIP_.*|PYTHON(PATH|HOME)|VIRTUAL_ENV|CONDA_PREFIX|CONDA_DEFAULT_ENV|MPLBACKEND|RUST_LOG"
)
"""Variables that would change what uv does, and those that break a build; credentials and caches stay."""

NETWORK = (
    r"error sending request",
    r"client error \(Connect\)",
    r"dns error|lookup address|resolve host",
    r"[Tt]imed? ?out",
    r"[Cc]onnection (reset|closed|refused)",
    r"[Uu]nable to access .*(Failed|Could not|Connection|resolve)",
    r"HTTP status server error",
    r"429 Too Many Requests",
    r"unexpected end of file|incomplete message|error decoding response body",
)
"""Failures that another try may fix."""

QUIET = ("--no-config", "--color", "never", "--no-progress")

UNBUILT = re.compile(
    r"Failed to (download and )?build|Git executable not found|build backend returned an error"
)

HINTS: tuple[tuple[str, str], ...] = (
    (
        r"no wheels? with a matching (Python|platform)|current Python version|requires Python",
        "There is no build of it for this Python: ask for a version that has one, or choose an earlier "
        "runtime (on Colab: Runtime > Change runtime type > Runtime version).",
    ),
    (
        r"40[13] (Unauthorized|Forbidden)|returned a (401|403)",
        "The index asks for credentials: put them in ~/.netrc, or write NAME=URL for the index and set "
        "UV_INDEX_NAME_USERNAME and UV_INDEX_NAME_PASSWORD.",
    ),
    (
        r"was not found in the|404 Not Found|[Rr]epository not found",
        "Check the spelling, and on which index or at which address it is published.",
    ),
    (
        r"there (is|are) no versions? of|only .* (is|are) available",
        "Ask for a version that has been published.",
    ),
    (r"pre-?release", "Set pre: true to take pre-releases."),
    (
        r"hash mismatch|Hash mismatch",
        "The index has another file than the one that the lock, or the requirements file, was made "
        "for: find out who changed it.",
    ),
    (
        r"Git executable not found",
        "Add git to apt.packages.",
    ),
    (
        r"Failed to (download and )?build",
        "It is built from source: add the compilers and headers that it needs to apt.packages.",
    ),
    (
        r"Permission denied|os error 13",
        "This Python belongs to someone else: set pip.venv to a folder of your own.",
    ),
    (
        r"Distribution not found at|does not appear to be a Python project",
        "Check the path: there must be a project or a wheel.",
    ),
)
"""(what uv says, what to do about it)"""

MOVE = re.compile(
    r" (?P<sign>[-+~]) (?P<name>[A-Za-z0-9._-]+)(?:==(?P<version>\S+))?"
    r"(?: @ (?P<url>\S+)| \(from (?P<from>\S+)\))?"
)
NEED = re.compile(
    r"DEBUG Adding transitive dependency for (?P<by>[A-Za-z0-9._-]+)[^:=]*(?:==(?P<at>[^:]+))?: "
    r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?(?:\{[^}]*\})?(?P<range>.*)"
)
NOISE = re.compile(
    r"(DEBUG|TRACE|INFO|WARN|warning:|Using |Resolved |Audited |Checked |\s+(Updat|Updated|Build|Built))"
)


@dataclass(frozen=True)
class PipMove:
    """A distribution that is added (`before` is None), removed (`after` is None), changed or reinstalled."""

    name: str
    before: str | None
    after: str | None
    url: str = ""
    """Where it comes from, if not from an index."""


@dataclass(frozen=True)
class Need:
    """What uv considered: that a distribution, in one of its versions, needs another within a limit."""

    name: str
    by: str
    by_version: str
    """"" where uv does not say."""
    limit: str


@dataclass(frozen=True)
class DryRun:
    """What uv would do."""

    moves: tuple[PipMove, ...] = ()
    downloads: bool = False
    """Whether uv's cache lacks any of it."""
    needs: tuple[Need, ...] = ()
    """In uv's order: of what it chose, of what it dropped, of what builds need."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why uv would not do it: no solution, or something that could not be built to see what it needs."""

    cause: Literal["unsolvable", "unbuilt"]
    text: str
    hint: str

    @property
    def reason(self) -> str:
        return f"{self.text.rstrip('.')}. {self.hint}".strip()

    @property
    def mentioned(self) -> frozenset[str]:
        """The names that uv mentions, among other words."""
        words = re.findall(r"[a-z0-9]+(?:[-_.]+[a-z0-9]+)*", self.text.lower())
        return frozenset(map(canonicalize_name, words))


@dataclass(frozen=True)
class Sizes:
    """What installing takes: bytes to download as far as they are known, and what has no wheel."""

    download: int = 0
    from_source: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UvRequest:
    """What `uv pip install` is asked for."""

    uv: str
    cwd: str
    target: tuple[str, ...]
    """The options that name the interpreter."""
    into: tuple[str, ...] = ()
    """The options that name a folder to look at in place of the interpreter's own."""
    indexes: tuple[str, ...] = ()
    """The options that say where distributions come from."""
    options: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    """Lines of a requirements file to install as they are, in place of all that would be resolved."""

    def install(self, constraints: Iterable[str] = (), flags: tuple[str, ...] = ()) -> Run:
        """The call, with constraint lines or pins given through its standard input."""
        stdin = "".join(f"{line}\n" for line in self.pins or constraints)
        argv = (self.uv, "pip", "install", *QUIET, *flags, *self.target, *self.into, *self.indexes)
        argv += self.options
        if self.pins:
            return command((*argv, "--no-deps", "--requirements", "-"), self.cwd, stdin)
        argv += ("--constraints", "-") if stdin else ()
        return command((*argv, "--", *self.packages), self.cwd, stdin)


def find_uv(reader: Reader) -> str:
    """The path of the uv program that came with us, or else of any."""
    import uv

    try:
        return uv.find_uv_bin()
    except FileNotFoundError:
        found = reader.which("uv")
    if found is None:
        raise ObserveError("the program uv is missing", "Install it: pip install --force-reinstall uv")
    return found


def target(python: Interpreter) -> tuple[str, ...]:
    """uv's options for an interpreter; for that of another machine, its version and platform.

    What must be built to see what it needs is then built by our own Python.
    """
    if python.platform:
        other = ("--python-version", python.version, "--python-platform", python.platform)
        return ("--python", sys.executable, "--no-python-downloads", *other)
    known = python.executable if python.exists else python.maker or python.version
    return ("--python", known, "--no-python-downloads")


def into(python: Interpreter, state: str) -> tuple[str, ...]:
    """uv's options for the packages of an interpreter that is not here: nothing while it does not exist."""
    folder = python.shown or ("" if python.exists else f"{state}/empty")
    return ("--target", folder) if folder else ()


def command(argv: tuple[str, ...], cwd: str, stdin: str = "") -> Run:
    """A call of uv that no variable of the environment changes and that asks nothing."""
    return Run(
        argv=argv,
        stdin=stdin,
        cwd=cwd,
        env=(("GIT_TERMINAL_PROMPT", "0"),),
        scrub=SCRUB,
        transient=NETWORK,
        hints=HINTS,
    )


def ask(reader: Reader, request: UvRequest, constraints: Iterable[str]) -> DryRun | Refusal:
    """What uv would do about a request. Raises ObserveError when that cannot be known now."""
    completed = reader.ask(request.install(constraints, ("--dry-run", "--verbose")))
    if completed.timed_out:
        raise ObserveError("uv did not finish resolving pip's packages")
    if completed.code == 0:
        return parse(completed.stderr)
    text = explain(completed.stderr)
    if any(re.search(pattern, text) for pattern in NETWORK):
        raise ObserveError(
            f"uv cannot reach the source of pip's packages: {text}",
            "Check the network and pip's indexes, then run it again.",
        )
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, text)), "")
    return Refusal("unbuilt" if UNBUILT.search(text) else "unsolvable", text, hint)


def ask_sizes(reader: Reader, request: UvRequest, pins: Iterable[str]) -> Sizes:
    """What installing these `name==version` takes; nothing is known when uv does not answer."""
    argv = (request.uv, "pip", "compile", *QUIET, "--quiet", "--no-deps", "--format", "pylock.toml")
    stdin = "".join(f"{pin}\n" for pin in pins)
    completed = reader.ask(command((*argv, *request.target, *request.indexes, "-"), request.cwd, stdin))
    return sizes(completed.stdout) if completed.code == 0 else Sizes()


def parse(output: str) -> DryRun:
    """The moves in what `uv pip install --dry-run --verbose` prints, and the needs that it weighed."""
    before: dict[str, str] = {}
    after: dict[str, tuple[str, str]] = {}
    needs: list[Need] = []
    for line in output.splitlines():
        if match := MOVE.fullmatch(line):
            url = redact(match["url"] or match["from"] or "")
            version = match["version"] or (f"from {url}" if url else "")
            if match["sign"] != "+":
                before[match["name"]] = version
            if match["sign"] != "-":
                after[match["name"]] = version, url
        elif (match := NEED.match(line)) and match["by"] != match["name"]:
            needs.append(Need(match["name"], match["by"], match["at"] or "", spell(match["range"])))
    names = sorted({*before, *after})
    moves = [PipMove(name, before.get(name), *after.get(name, (None, ""))) for name in names]
    downloads = re.search(r"^Would download \d+ package", output, re.MULTILINE) is not None
    warnings = tuple(dict.fromkeys(re.findall(r"^warning: (.+)$", redact(output), re.MULTILINE)))
    return DryRun(tuple(moves), downloads, tuple(dict.fromkeys(needs)), warnings)


def explain(output: str) -> str:
    """The reason in uv's error, on one line, without what its log says and how it is drawn."""
    lines = [line for line in output.splitlines() if not NOISE.match(line)]
    start = next((at for at, line in enumerate(lines) if re.match(r"error:|\s+×", line)), 0)
    text = " ".join(re.sub(r"^[\s×│├╰─▶]+", "", line) for line in lines[start:])
    text = re.sub(r"\s+", " ", redact(text)).strip()
    text = re.sub(r"\b(error|cause|Caused by): ", "", text)
    text = re.sub(r"^No solution found when resolving dependencies:? ", "", text)
    text = re.sub(r",? we can conclude that your requirements are unsatisfiable", "", text)
    text = re.sub(r"\.? hint: ", ". ", text)
    return shorten(text, 600)


def shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 4].rsplit(" ", 1)[0] + " ..."


def sizes(pylock: str) -> Sizes:
    """From a pylock.toml (https://packaging.python.org/en/latest/specifications/pylock-toml/)."""
    import tomllib

    try:
        packages = tomllib.loads(pylock).get("packages", [])
    except tomllib.TOMLDecodeError:
        return Sizes()
    download, from_source = 0, []
    for package in packages:
        wheels = package.get("wheels", [])
        files = wheels[:1] or [package.get("sdist") or package.get("archive") or {}]
        download += sum(file.get("size", 0) for file in files)
        if not wheels and "sdist" in package:
            from_source.append(package.get("name", ""))
    return Sizes(download, tuple(from_source))
