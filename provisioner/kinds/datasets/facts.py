"""The state of each dataset: what is in its place, whether it is complete, what the servers say."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from provisioner.facts.paths import as_stored, follow, look_through
from provisioner.kinds.base import Pinning
from provisioner.kinds.datasets.around import came_with
from provisioner.kinds.datasets.pins import DatasetPins, Datasets, WantedDataset, wanted
from provisioner.kinds.shared.fields import at_or_below_any
from provisioner.kinds.shared.near_names import aside, find_gap
from provisioner.kinds.shared.patches import taken_away
from provisioner.machine.download import receipt as receipts
from provisioner.machine.download.receipt import Damage, Others, Receipt
from provisioner.machine.reader import Answer, Reader, Stat
from provisioner.machine.urls import file_name, file_url, local_path, shown
from provisioner.model.plan import Action

ASKERS = 8
"""Servers asked at the same time."""

PENDING = {Action.CREATE, Action.UPDATE}


@dataclass(frozen=True)
class DatasetFacts:
    """The state of one dataset."""

    path: str
    """Where it goes: `to`, with links followed, and with the file's name if `to` is a folder."""
    circle: bool = False
    """Whether those links lead nowhere but to themselves."""
    stat: Stat | None = None
    occupied: bool = False
    """Whether there is a file, or a folder that is not empty."""
    around: str = ""
    """The place around it with which all came that is there, if it did; "" where people put any of it."""
    receipt: Receipt | None = None
    torn: bool = False
    """Whether there is a receipt that cannot be read."""
    damage: Damage = field(default_factory=Damage)
    others: Others = field(default_factory=Others)
    """What other entries own or change of it."""
    renewed: str = ""
    """The local file that it came from, where that has changed since."""
    awaited: str = ""
    """A local file to get it from that another entry is still to make."""
    matching: str = ""
    """The sha256 of a file without a receipt, if it is the one in the spec."""
    leftovers: tuple[str, ...] = ()
    """Hidden files and folders of interrupted runs."""
    partial: int = 0
    """Bytes of the download that are here already."""
    free: int = 0
    answers: tuple[Answer, ...] = ()
    """What the servers say; they are not asked when nothing is missing."""


DatasetsFacts = Mapping[str, DatasetFacts]


def observe(config: Datasets, reader: Reader, pinning: Pinning[DatasetPins] | None = None) -> DatasetsFacts:
    """The state of every dataset; servers are asked only about those that have to be downloaded."""
    datasets = wanted(config, pinning)
    found = {name: look(name, dataset, reader) for name, dataset in datasets.items()}
    pending = [name for name in datasets if state(datasets[name], found[name])[0] in PENDING]
    answers = ask_all({url for name in pending for url in datasets[name].urls}, reader)
    asked = {
        name: replace(
            found[name],
            answers=tuple(answers[url] for url in datasets[name].urls),
            awaited=awaited(datasets[name], reader),
        )
        for name in pending
    }
    return found | asked


def ask_all(urls: set[str], reader: Reader) -> dict[str, Answer]:
    """What the servers say about each URL, several asked at a time."""
    if not urls:
        return {}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(ASKERS) as pool:
        return dict(zip(urls, pool.map(lambda url: ask(url, reader), urls), strict=True))


def look(name: str, dataset: WantedDataset, reader: Reader) -> DatasetFacts:
    """Everything about one dataset that can be seen without a network."""
    path = destination(dataset, reader)
    if path is None:
        return DatasetFacts(dataset.to, circle=True)
    record = receipt_path(dataset, path)
    data, stat = reader.read(record), reader.stat(path)
    others = others_below(dataset, path, reader)
    receipt, damage = examine(name, data, record, reader, others)
    folder, base = posixpath.split(path)
    ours = f".{base}.provisioner-"
    occupied = stat is not None and (stat.type != "folder" or holds_more(path, "", others, reader))
    foreign = data is None and stat is not None and (dataset.archive or stat.type == "file")
    return DatasetFacts(
        path,
        stat=stat,
        occupied=occupied,
        around=came_with(dataset.to, path, others, reader) if occupied and foreign else "",
        others=others,
        receipt=receipt,
        renewed=renewed(dataset, receipt, record, reader) if receipt else "",
        torn=data is not None and receipt is None,
        damage=damage,
        matching=matching(dataset, path, stat, reader) if data is None else "",
        leftovers=tuple(f"{folder}/{left}" for left in reader.list(folder) or () if left.startswith(ours)),
        partial=sum(size_at(part, reader) for part in parts(dataset, path)),
        free=reader.free(path),
    )


def others_below(dataset: WantedDataset, path: str, reader: Reader) -> Others:
    """What other entries of the spec make and edit of what this one brings, by names as its receipt has."""
    context = reader.context
    if not dataset.archive:
        mine = {dataset.to, path} & {*context.edited}
        return Others(edited=frozenset({posixpath.basename(path)} if mine else ()))
    folder = dataset.to.rstrip("/") + "/"

    def below(paths: Iterable[str]) -> Iterator[str]:
        names = (each.removeprefix(folder) for each in paths if each.startswith(folder))
        return (as_stored(f"{path}/{name}", reader).removeprefix(f"{path}/") for name in names)

    is_edited = at_or_below_any(dataset.to, context.edited)
    return Others(
        made=tuple(below(context.made)),
        edited=frozenset([""] if is_edited else below(context.edited)),
        removed=frozenset(below(taken_away(dataset.to.rstrip("/"), reader))),
    )


def holds_more(folder: str, name: str, others: Others, reader: Reader) -> bool:
    """Whether a folder has anything that is not made by others; `name` is its own below the dataset's."""
    for each in reader.list(folder) or ():
        relative, path = posixpath.join(name, each), posixpath.join(folder, each)
        stat = reader.stat(path)
        leads_to_theirs = any(theirs.startswith(relative + "/") for theirs in others.made)
        if others.own(relative):
            continue
        if not (leads_to_theirs and stat and stat.type == "folder"):
            return True
        if holds_more(path, relative, others, reader):
            return True
    return False


def examine(
    name: str, data: bytes | None, path: str, reader: Reader, others: Others
) -> tuple[Receipt | None, Damage]:
    """A dataset's receipt, None for none that can be read, and what differs from it."""
    receipt = receipts.load(data)
    if receipt is None:
        return None, Damage()
    deep = reader.context.deep or f"datasets.{name}" in reader.context.suspects
    try:
        return receipt, receipts.damage(receipt, path, reader, deep=deep, others=others)
    except ValueError:
        return None, Damage()


def destination(dataset: WantedDataset, reader: Reader) -> str | None:
    """Where the file or folder goes; None when links lead in a circle."""
    path = follow(as_stored(dataset.to.rstrip("/") or "/", reader), reader)
    if path is None or dataset.archive:
        return path
    stat = reader.stat(path)
    if dataset.to.endswith("/") or (stat and stat.type == "folder"):
        name = file_name(dataset.url)
        path = posixpath.join(path, name.removesuffix(".gz") if dataset.format else name)
        return follow(as_stored(path, reader), reader)
    return path


def receipt_path(dataset: WantedDataset, path: str) -> str:
    return receipts.inside(path) if dataset.archive else receipts.beside(path)


def download_path(dataset: WantedDataset, path: str) -> str:
    """Where the download goes: an archive waits, hidden, beside the folder it is unpacked to."""
    folder, base = posixpath.split(path)
    return f"{folder}/.{base}.provisioner-archive" if dataset.format else path


def parts(dataset: WantedDataset, path: str) -> tuple[str, ...]:
    """What an interrupted run may have downloaded."""
    download = download_path(dataset, path)
    return (f"{download}.part", download) if dataset.format else (f"{download}.part",)


def renewed(dataset: WantedDataset, receipt: Receipt, record: str, reader: Reader) -> str:
    """The local file that a dataset came from, where it holds something else by now; "" where it does not.

    It is read only where it is newer than the receipt. With a sha256 in the file, or in the lock, that
    decides.
    """
    origin = next((url for url in dataset.urls if shown(url) == receipt.url), "")
    asked = local_path(origin)
    if dataset.sha256 or asked is None:
        return ""
    path = as_stored(asked, reader)
    now, noted = look_through(path, reader), reader.stat(record)
    if now is None or now.type != "file" or noted is None:
        return ""
    newer = now.mtime_ns > noted.mtime_ns
    differs = now.size != receipt.size or (newer and reader.hash(path) != receipt.sha256)
    return path if differs else ""


def awaited(dataset: WantedDataset, reader: Reader) -> str:
    """The first local file of a dataset that is not there, and that another entry makes; "" for none."""
    local = (path for url in dataset.urls if (path := local_path(url)))
    made = (path for path in local if at_or_below_any(path, reader.context.made))
    return next((path for path in made if look_through(as_stored(path, reader), reader) is None), "")


def size_at(path: str, reader: Reader) -> int:
    stat = reader.stat(path)
    return stat.size if stat else 0


def matching(dataset: WantedDataset, path: str, stat: Stat | None, reader: Reader) -> str:
    """The sha256 of the file that is there, if it is the one in the spec; else ""."""
    if dataset.format or not dataset.sha256 or not stat or stat.type != "file":
        return ""
    return dataset.sha256 if reader.hash(path) == dataset.sha256 else ""


def ask(url: str, reader: Reader) -> Answer:
    """What a server says about a URL, or this machine about a local file, by the name that this has here."""
    asked = local_path(url)
    if asked is None:
        return reader.head(url)
    path = as_stored(asked, reader)
    stat = look_through(path, reader)
    if stat is None:
        return Answer(url, 404, error=f"there is no such file{aside(find_gap(path, reader))}")
    if stat.type != "file":
        return Answer(url, 404, error="that is a folder" if stat.type == "folder" else "that is no file")
    return Answer(url if path == asked else file_url(path), 200, stat.size)


def state(dataset: WantedDataset, found: DatasetFacts) -> tuple[Action, str]:
    """What is to be done, and why, as far as the machine itself shows it."""
    receipt = found.receipt
    if found.circle:
        return Action.BLOCKED, f"{found.path} is a symbolic link that leads to itself; remove it"
    if receipt is None and not found.torn:
        return state_without_receipt(found)
    change = Action.UPDATE if found.occupied else Action.CREATE
    if receipt is None:
        return change, "its receipt is damaged"
    if dataset.sha256 and dataset.sha256 != receipt.sha256:
        return change, "the file asks for another sha256"
    if not dataset.sha256 and receipt.url not in map(shown, dataset.urls):
        return change, "the file asks for another url"
    if dataset.strip != receipt.strip:
        return change, "the file asks for another `strip`"
    if found.renewed:
        return change, f"{found.renewed} has changed since"
    if found.damage.count:
        return change, describe_damage(dataset, receipt, found.damage)
    return Action.KEEP, ""


def state_without_receipt(found: DatasetFacts) -> tuple[Action, str]:
    """What somebody else put there is kept if it is the same file, and never overwritten."""
    if found.matching:
        return Action.KEEP, "its sha256 is the one in the file"
    if found.around:
        return Action.CREATE, f"goes over what came with {found.around}"
    if found.occupied:
        return (
            Action.BLOCKED,
            f"{found.path} already exists and was not downloaded for this dataset; "
            "move it away, or choose another `to`",
        )
    return Action.CREATE, ""


def describe_damage(dataset: WantedDataset, receipt: Receipt, damage: Damage) -> str:
    if dataset.archive:
        are = "is" if damage.count == 1 else "are"
        return f"{damage.count} of {receipt.files} files {are} missing or changed, first: {damage.path}"
    if damage.found is None:
        return "the file is gone"
    if damage.found < damage.size:
        return f"the file is truncated: {damage.found} of {damage.size} bytes"
    return "the content of the file has changed"
