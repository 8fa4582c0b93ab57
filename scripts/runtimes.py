"""Write the tables of Colab's images, in provisioner/runtimes, anew from the public lists.

    git clone https://github.com/googlecolab/backend-info
    .venv/bin/python scripts/runtimes.py backend-info --add 2026.08=a724079

The runtimes are those that its README names, those that the tables have already, and those that are added
here: Colab's newest runtime is in no README until it is a past one.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from provisioner.runtimes import tables

TABLES = Path(tables.__file__).parent
SOURCE = "https://github.com/googlecolab/backend-info"

LISTS = {
    "cpu": ("os-info.txt", "pip-freeze.txt", "apt-list.txt"),
    "gpu": ("os-info-gpu.txt", "pip-freeze.gpu.txt", "apt-list-gpu.txt"),
    "tpu": ("os-info-tpu.txt", "pip-freeze.tpu.txt", "apt-list-tpu.txt"),
}
"""By image: what its lists are called."""

COLUMNS = ["runtime", "image", "commit", "date", "os", "python"]
ORIGIN = f"# Written by scripts/runtimes.py from {SOURCE}: do not edit.\n"
MARKS = (
    "- is absent, ? a version that is not told, . the same as to its left; a row that ends early goes on so."
)

PAST = re.compile(
    r"^### (?P<runtime>\d{4}\.\d{2})$(?:(?!^### ).)*?/tree/(?P<commit>[0-9a-f]{40})", re.MULTILINE | re.DOTALL
)
PINNED = re.compile(r"(?P<name>[\w.-]+)={2,3}(?P<version>\S+)")
DIRECT = re.compile(r"(?P<name>[\w.-]+) @ (?P<url>\S+)")
EDITABLE = re.compile(r"-e .*[#&]egg=(?P<name>[\w.-]+).*")
ARCHIVE = re.compile(r"(?P<name>[\w.]+)-(?P<version>\d[^-]*?)(?:-[^/]+\.whl|\.tar\.\w+|\.zip)")
DEBIAN = re.compile(r"(?P<name>[^/\s]+)/\S* (?P<version>\S+) (?P<architecture>\S+) \[.*\]")
OWN = ("amd64", "all")
"""Architectures whose packages dpkg calls by their bare names on these machines."""


class UnreadableError(Exception):
    """Something that is not there, or not as it always was. The message is for whoever runs this."""


class Image(NamedTuple):
    runtime: str
    image: str
    commit: str
    date: str
    os: str
    python: str
    pip: dict[str, str | None]
    apt: dict[str, str | None]


def past(readme: str) -> dict[str, str]:
    """The commit of each past runtime that backend-info's README names."""
    return {found["runtime"]: found["commit"] for found in PAST.finditer(readme)}


def freeze(text: str) -> dict[str, str | None]:
    """Versions by name, from what `pip freeze` wrote; None where it told none. Raises UnreadableError."""
    return dict(map(frozen, entries(text)))


def entries(text: str) -> Iterator[str]:
    """The lines of a list, without comments and blanks."""
    return (line for line in text.splitlines() if line.strip() and not line.startswith("#"))


def frozen(line: str) -> tuple[str, str | None]:
    if found := PINNED.fullmatch(line):
        return found["name"], found["version"]
    if found := DIRECT.fullmatch(line):
        return found["name"], version_in(found["url"])
    if found := EDITABLE.fullmatch(line):
        return found["name"], None
    raise UnreadableError(f"this line of pip freeze says no name: {line}")


def version_in(url: str) -> str | None:
    """The version that the name of a wheel or source archive tells; a repository's address tells none."""
    found = ARCHIVE.fullmatch(unquote(urlsplit(url).path.rpartition("/")[2]))
    return found["version"] if found else None


def packages(text: str) -> dict[str, str | None]:
    """Versions by name, from what `apt list --installed` wrote. Raises UnreadableError."""
    return dict(package(line) for line in entries(text) if line != "Listing...")


def package(line: str) -> tuple[str, str]:
    found = DEBIAN.fullmatch(line)
    if not found:
        raise UnreadableError(f"this line of apt list says no package: {line}")
    foreign = found["architecture"] not in OWN
    return found["name"] + (f":{found['architecture']}" if foreign else ""), found["version"]


def system(text: str) -> tuple[str, str]:
    """The system's name and Python's version, as the two said them. Raises UnreadableError."""
    os, python, *_ = [*entries(text), "", ""]
    if not python.startswith("Python "):
        raise UnreadableError(f"this says no version of Python: {python or text}")
    return os, python.removeprefix("Python ")


def git(clone: Path, *words: str) -> str | None:
    """What git says of a clone; None when it refuses."""
    argv = ["git", "-C", str(clone), *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def recorded(folder: Path) -> dict[tuple[str, str], str]:
    """The commit of each image, by runtime and sort, that the tables in a folder know."""
    path = folder / "images.tsv"
    rows = [*tables.cells(path.read_text(encoding="utf-8"))][1:] if path.exists() else []
    return {(runtime, image): commit for runtime, image, commit, *_ in rows}


def images(clone: Path, runtime: str, commit: str) -> Iterator[Image | str]:
    """The images of one runtime; in place of one that cannot be had, what is missing."""
    stamp = git(clone, "log", "-1", "--format=%cs", "--abbrev=7", f"{commit}^{{commit}}")
    if stamp is None:
        yield f"{runtime}: no commit {commit} in {clone}"
        return
    for image, files in LISTS.items():
        texts = {file: git(clone, "show", f"{commit}:{file}") for file in files}
        lacking = [file for file, text in texts.items() if text is None]
        if lacking:
            yield f"{runtime}-{image}: no {', '.join(lacking)} in {commit[:7]}"
            continue
        about, pip, apt = (text or "" for text in texts.values())
        try:
            yield Image(runtime, image, commit[:7], stamp.strip(), *system(about), freeze(pip), packages(apt))
        except UnreadableError as fault:
            raise UnreadableError(f"{runtime}-{image}: {fault}") from None


def write(folder: Path, found: list[Image]) -> None:
    """The three tables."""
    headed = {f"{image.runtime}-{image.image}": image for image in found}
    pip = tables.lists({heading: image.pip for heading, image in headed.items()})
    apt = tables.lists({heading: image.apt for heading, image in headed.items()})
    about = [COLUMNS, *([*image[: len(COLUMNS)]] for image in found)]
    for file, said, rows in (
        ("images.tsv", "One row for each image, oldest first.", about),
        ("pip.tsv", f"What `pip freeze` gives. {MARKS}", pip),
        ("apt.tsv", f"What `apt list --installed` gives. {MARKS}", apt),
    ):
        body = "".join("\t".join(row) + "\n" for row in rows)
        (folder / file).write_text(f"{ORIGIN}# {said}\n{body}", encoding="utf-8")


def regenerate(clone: Path, folder: Path, added: dict[str, str]) -> list[str]:
    """Write the tables in `folder`; what could not be found. Writes nothing when it raises."""
    readme = git(clone, "show", "HEAD:README.md")
    if readme is None:
        raise UnreadableError(f"{clone} is no clone of {SOURCE}: it has no README.md")
    known = recorded(folder)
    runtimes = {**{runtime: commit for (runtime, _), commit in known.items()}, **past(readme), **added}
    told = [each for runtime in sorted(runtimes) for each in images(clone, runtime, runtimes[runtime])]
    found = [each for each in told if isinstance(each, Image)]
    missing = [each for each in told if isinstance(each, str)]
    if not found or known.keys() - {(image.runtime, image.image) for image in found}:
        raise UnreadableError(
            "\n".join([*missing, "the tables would lose what they have: nothing was written"])
        )
    write(folder, found)
    return missing


def addition(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"(\d{4}\.\d{2})=([0-9a-f]{7,40})", text)
    if not found:
        raise argparse.ArgumentTypeError("write it like 2026.08=a724079")
    return found[1], found[2]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    parser.add_argument("clone", type=Path, help=f"a clone of {SOURCE}")
    parser.add_argument("--add", type=addition, action="append", default=[], metavar="RUNTIME=COMMIT")
    parser.add_argument("--into", type=Path, default=TABLES, metavar="FOLDER", help="where the tables are")
    options = parser.parse_args(argv)
    try:
        missing = regenerate(options.clone, options.into, dict(options.add))
    except UnreadableError as fault:
        parser.exit(1, f"error: {fault}\n")
    for each in missing:
        sys.stderr.write(f"not there: {each}\n")


if __name__ == "__main__":
    main()
