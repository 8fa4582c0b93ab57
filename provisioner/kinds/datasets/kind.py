"""Files to download and, if asked, to unpack: whole or not there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from provisioner.kinds.base import ABSENT, Kind
from provisioner.kinds.datasets import pins
from provisioner.kinds.datasets.section import Config, Dataset, format_of
from provisioner.machine.download import receipt
from provisioner.machine.download.receipt import Damage, Receipt
from provisioner.machine.reader import Answer, Reader, Stat
from provisioner.machine.urls import file_name, local_path, origin, shown
from provisioner.model.effects import Effect, Fetch, Remove, Unpack
from provisioner.model.plan import Action, Change, Named, Step
from provisioner.model.units import format_size

LINKS = 40
"""Symbolic links followed one after the other before we call it a circle, as Linux does."""
ASKERS = 8
"""Servers asked at the same time."""
DRIVE = "/content/drive/"
"""Where Colab mounts Google Drive; writing there before it is mounted would keep it from being mounted."""
PENDING = {Action.CREATE, Action.UPDATE}

Datasets = Mapping[str, Dataset]


@dataclass(frozen=True)
class Found:
    """What there is of one dataset."""

    path: str
    """Where it shall end up: `to`, with links followed, and with the file's name if `to` is a folder."""
    circle: bool = False
    """Whether those links lead nowhere but to themselves."""
    stat: Stat | None = None
    occupied: bool = False
    """Whether there is a file, or a folder that is not empty."""
    receipt: Receipt | None = None
    torn: bool = False
    """Whether there is a receipt that cannot be read."""
    damage: Damage = field(default_factory=Damage)
    matches: bool = False
    """Whether a file without a receipt has the sha256 that is asked for."""
    leftovers: tuple[str, ...] = ()
    """Hidden files and folders of runs that were cut short."""
    partial: int = 0
    """Bytes of the download that are here already."""
    free: int = 0
    answers: tuple[Answer, ...] = ()
    """What the servers say; nobody is asked when nothing is missing."""


Facts = Mapping[str, Found]


def observe(config: Datasets, reader: Reader) -> Facts:
    found = {name: look(name, dataset, reader) for name, dataset in config.items()}
    pending = [name for name in config if state(config[name], found[name])[0] in PENDING]
    urls = {url for name in pending for url in config[name].urls}
    if not urls:
        return found
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(ASKERS) as pool:
        answers = dict(zip(urls, pool.map(lambda url: ask(url, reader), urls), strict=True))
    asked = {
        name: replace(found[name], answers=tuple(answers[url] for url in config[name].urls))
        for name in pending
    }
    return found | asked


def look(name: str, dataset: Dataset, reader: Reader) -> Found:
    """Everything about one dataset that can be seen without a network."""
    path = destination(dataset, reader)
    if path is None:
        return Found(dataset.to, circle=True)
    noted = receipt_path(dataset, path)
    data, stat = reader.read(noted), reader.stat(path)
    told, lost = receipt.load(data), Damage()
    if told:
        deep = reader.context.deep or f"datasets.{name}" in reader.context.suspects
        try:
            lost = receipt.damage(told, noted, reader, deep=deep)
        except ValueError:
            told = None
    folder, base = posixpath.split(path)
    ours = f".{base}.provisioner-"
    return Found(
        path,
        stat=stat,
        occupied=stat is not None and (stat.type != "folder" or bool(reader.list(path))),
        receipt=told,
        torn=data is not None and told is None,
        damage=lost,
        matches=data is None and is_the_file(dataset, path, stat, reader),
        leftovers=tuple(f"{folder}/{left}" for left in reader.list(folder) or () if left.startswith(ours)),
        partial=sum(size_at(part, reader) for part in parts(dataset, path)),
        free=reader.free(path),
    )


def destination(dataset: Dataset, reader: Reader) -> str | None:
    """Where the file or folder goes; None when links lead in a circle."""
    path = follow(dataset.to.rstrip("/") or "/", reader)
    if path is None or dataset.format in {"zip", "tar"}:
        return path
    stat = reader.stat(path)
    if dataset.to.endswith("/") or (stat and stat.type == "folder"):
        name = file_name(dataset.url)
        return follow(posixpath.join(path, name.removesuffix(".gz") if dataset.format else name), reader)
    return path


def follow(path: str, reader: Reader) -> str | None:
    """Where a path leads when its last part is a symbolic link."""
    for _ in range(LINKS):
        stat = reader.stat(path)
        if stat is None or stat.link is None:
            return path
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), stat.link))
    return None


def receipt_path(dataset: Dataset, path: str) -> str:
    return receipt.inside(path) if dataset.format in {"zip", "tar"} else receipt.beside(path)


def download_path(dataset: Dataset, path: str) -> str:
    """Where the download goes: an archive waits, hidden, beside the folder it is unpacked to."""
    folder, base = posixpath.split(path)
    return f"{folder}/.{base}.provisioner-archive" if dataset.format else path


def parts(dataset: Dataset, path: str) -> tuple[str, ...]:
    """What a run that was cut short may have downloaded."""
    download = download_path(dataset, path)
    return (f"{download}.part", download) if dataset.format else (f"{download}.part",)


def size_at(path: str, reader: Reader) -> int:
    stat = reader.stat(path)
    return stat.size if stat else 0


def is_the_file(dataset: Dataset, path: str, stat: Stat | None, reader: Reader) -> bool:
    if dataset.format or not dataset.sha256 or not stat or stat.type != "file":
        return False
    return reader.hash(path) == dataset.sha256


def ask(url: str, reader: Reader) -> Answer:
    path = local_path(url)
    if path is None:
        return reader.head(url)
    path = follow(path, reader) or path
    stat = reader.stat(path)
    if stat is None or stat.type != "file":
        return Answer(url, 404, error="there is no such file")
    return Answer(url, 200, stat.size)


def state(dataset: Dataset, found: Found) -> tuple[Action, str]:
    """What is to be done, and why, as far as the machine itself decides it."""
    told = found.receipt
    if found.circle:
        return Action.BLOCKED, f"{found.path} is a symbolic link that leads to itself; remove it"
    if told is None and not found.torn:
        if found.matches:
            return Action.KEEP, "has the sha256 that is asked for"
        if found.occupied:
            return (
                Action.BLOCKED,
                f"{found.path} is there and is not ours; move it away, or choose another `to`",
            )
        return Action.CREATE, ""
    change = Action.UPDATE if found.occupied else Action.CREATE
    if told is None:
        return change, "its receipt is damaged"
    if dataset.sha256 and dataset.sha256 != told.sha256:
        return change, "another sha256 is asked for"
    if not dataset.sha256 and told.url not in map(shown, dataset.urls):
        return change, "another url is asked for"
    if dataset.strip != told.strip:
        return change, "another `strip` is asked for"
    if found.damage.count:
        return change, damage_in_words(dataset, told, found.damage)
    return Action.KEEP, ""


def damage_in_words(dataset: Dataset, told: Receipt, damage: Damage) -> str:
    if dataset.format in {"zip", "tar"}:
        are = "is" if damage.count == 1 else "are"
        return f"{damage.count} of {told.files} files {are} missing or changed, first: {damage.path}"
    if damage.found is None:
        return "the file is gone"
    if damage.found < damage.size:
        return f"the file is truncated: {damage.found} of {damage.size} bytes"
    return "the content of the file has changed"


def plan(config: Datasets, facts: Facts) -> Iterable[Step]:
    return [step(name, dataset, facts[name]) for name, dataset in config.items()]


def step(name: str, dataset: Dataset, found: Found) -> Step:
    """One dataset, which nothing else waits for."""
    address = f"datasets.{name}"
    action, reason = state(dataset, found)
    before = found_in_words(dataset, found)
    if action is Action.KEEP:
        return tidy(address, found, before, reason)
    size, source = size_of(dataset, found), source_of(dataset, found)
    after = f"from {origin(source)}" if size is None else f"{format_size(size)} from {origin(source)}"
    if action in PENDING and (obstacle := obstacle_in_words(dataset, found, size)):
        action, reason = Action.BLOCKED, obstacle
    change = Change(address, action, before, after, reason or hopes(found))
    if action is Action.BLOCKED:
        return Step(id=address, changes=(change,))
    remote = local_path(source) is None
    return Step(
        id=address,
        changes=(change,),
        effects=effects(dataset, found.path),
        after=("drive",) if found.path.startswith(DRIVE) else (),
        download=max(0, (size or 0) - found.partial) if remote else 0,
        warnings=warnings(dataset),
    )


def tidy(address: str, found: Found, before: str | None, reason: str) -> Step:
    """Nothing to download; but a run that was cut short at its very end may have left something to clear."""
    if not found.leftovers:
        return Step(id=address, changes=(Change(address, Action.KEEP, before, before, reason),))
    names = ", ".join(map(posixpath.basename, found.leftovers))
    change = Change(address, Action.UPDATE, before, before, f"an unfinished run left {names}, to be removed")
    clear = tuple(Remove(path=path, tree=True) for path in found.leftovers)
    return Step(id=address, changes=(change,), effects=clear)


def found_in_words(dataset: Dataset, found: Found) -> str | None:
    """What is there now; None for nothing."""
    if not found.occupied or not found.stat:
        return None
    if found.receipt is None:
        return format_size(found.stat.size) if found.matches else "unknown" if found.torn else "not ours"
    told, damage = found.receipt, found.damage
    if dataset.format not in {"zip", "tar"}:
        return format_size(told.bytes if damage.found is None else damage.found)
    if damage.count:
        return f"{told.files - damage.count} of {told.files} files"
    return f"{told.files} files, {format_size(told.bytes)}"


def source_of(dataset: Dataset, found: Found) -> str:
    """The first place that has the file, as far as it could be learnt."""
    return next((answer.url for answer in found.answers if not answer.error), dataset.url)


def size_of(dataset: Dataset, found: Found) -> int | None:
    told = (answer.size for answer in found.answers if not answer.error and answer.size is not None)
    return next(told, dataset.size)


def obstacle_in_words(dataset: Dataset, found: Found, size: int | None) -> str:
    """Why it cannot be had, and the way out; empty when nothing speaks against it."""
    if all(answer.error and not answer.transient for answer in found.answers):
        return f"{refusals(found)}; check the URL, or give another place in `mirrors`"
    needed = (size or 0) * (2 if dataset.format else 1) - found.partial
    if needed > found.free:
        what = "the archive and its contents need" if dataset.format else "it needs"
        return (
            f"{what} {format_size(needed)} and {format_size(found.free)} are free at {found.path}; "
            "free some space, or choose another `to`"
        )
    return ""


def refusals(found: Found) -> str:
    """What every place answers."""
    return "; ".join(
        f"{local_path(answer.url) or shown(answer.url)}: {answer.error}" for answer in found.answers
    )


def hopes(found: Found) -> str:
    """What is known of the download beforehand: how much is here, or that nobody could be asked."""
    if found.answers and all(answer.error for answer in found.answers):
        return refusals(found)
    return f"{format_size(found.partial)} are here already" if found.partial else ""


def warnings(dataset: Dataset) -> tuple[str, ...]:
    form = None if dataset.format else format_of(dataset.url)
    if form in {"zip", "tar"} and not format_of(dataset.to):
        return (f"{file_name(dataset.url)} stays packed; write unpack: true to unpack it",)
    return ()


def effects(dataset: Dataset, path: str) -> tuple[Effect, ...]:
    download = download_path(dataset, path)
    noted = download + receipt.SUFFIX if dataset.format else receipt_path(dataset, path)
    asked = None if dataset.url == dataset.urls[0] else dataset.url
    fetch = Fetch(urls=dataset.urls, path=download, sha256=dataset.sha256, receipt=noted, asked=asked)
    if not dataset.format:
        return (fetch,)
    return (
        fetch,
        Unpack(
            archive=download,
            to=path,
            format=dataset.format,
            strip=dataset.strip,
            receipt=receipt_path(dataset, path),
            consume=True,
        ),
    )


def named(config: Datasets, facts: Facts) -> Iterator[Named]:
    """The sha256 of what was downloaded, while it is whole."""
    for name, dataset in config.items():
        yield f"datasets.{name}", identity(dataset, facts[name])


def identity(dataset: Dataset, found: Found) -> str | None:
    """What is there; None for what only reading all of it would tell."""
    told = found.receipt
    if not found.occupied:
        return ABSENT
    if told is None:
        return f"sha256 {dataset.sha256}" if found.matches else None
    whole = f"sha256 {told.sha256}" + (f", strip {told.strip}" if told.strip else "")
    return None if found.damage.count else whole


KIND = Kind(
    name="datasets",
    config=Config,
    observe=observe,
    plan=plan,
    named=named,
    lock=pins.LOCK,
)
