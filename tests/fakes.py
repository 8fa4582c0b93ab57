"""A whole machine in memory: it keeps files, runs programs that a test defines, notes what it was told."""

from __future__ import annotations

import hashlib
import io
import posixpath
import tarfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from provisioner.machine.download import receipt
from provisioner.machine.download.receipt import Receipt
from provisioner.machine.edits import diffs, keys
from provisioner.machine.edits.text import decoded, edited
from provisioner.machine.files import with_block
from provisioner.machine.local import is_there
from provisioner.machine.reader import Answer, Completed, Context, Interpreter, Stat
from provisioner.machine.trees import mode_in_tree, same_time
from provisioner.machine.urls import is_web, local_path, shown
from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import (
    Block,
    Chdir,
    Chmod,
    Copy,
    Edit,
    Effect,
    Export,
    Extension,
    Fetch,
    FileChange,
    InstallKey,
    Link,
    Mkdir,
    Mount,
    Move,
    Patch,
    Refresh,
    Remove,
    Run,
    SearchPath,
    Secret,
    SetKeys,
    Unpack,
    Upload,
    Write,
)
from provisioner.model.errors import EffectError, ObserveError
from provisioner.model.kernel import Kernel
from provisioner.model.redaction import redactor

Program = Callable[["FakeMachine", Run], Completed]


@dataclass
class Entry:
    type: str
    data: bytes = b""
    mode: int = 0o644
    mtime_ns: int = 1
    link: str | None = None


def members(data: bytes, strip: int) -> dict[str, bytes]:
    """The files of a tar by their names, without some folders above them."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            files = {each.name: archive.extractfile(each) for each in archive if each.isfile()}
            return {name.split("/", strip)[strip]: file.read() for name, file in files.items() if file}
    except tarfile.ReadError:
        return {"unpacked": data}


PYTHON = Interpreter("/usr/bin/python3", "3.11.2", ("/usr/lib/python3/dist-packages",))
NOTHING_ATTACHED = Accelerators()


@dataclass
class FakeMachine:
    """`programs` are found by the first word's last part; `urls` map to bytes, or to an HTTP status."""

    folder: str = "/work"
    environ: Mapping[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin"})
    home: str = "/root"
    root: bool = True
    state: str = "/var/lib/provisioner"
    python: Interpreter = PYTHON
    suspects: frozenset[str] = frozenset()
    target_image: str = ""
    deep: bool = False
    made: tuple[str, ...] = ()
    ensured: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    changes: tuple[FileChange, ...] = ()
    variables: Mapping[str, str | tuple[str, ...] | None] = field(default_factory=dict)
    spec: str = "/work/colabenv.yaml"
    free_bytes: int = 10**12
    memory_bytes: int = 16 * 10**9
    devices: Accelerators = NOTHING_ATTACHED
    programs: dict[str, Program] = field(default_factory=dict)
    urls: dict[str, bytes | int] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=lambda: {"/": Entry("folder", mode=0o755)})
    cache: dict[str, bytes] = field(default_factory=dict)
    """What is kept, which is no part of the machine."""
    asked: list[tuple[str, ...]] = field(default_factory=list)
    performed: list[Effect] = field(default_factory=list)
    ticks: int = 1
    notebook: Kernel | None = None

    # building a scene

    def put(self, path: str, data: str | bytes = b"", mode: int = 0o644) -> None:
        self.make_folders(posixpath.dirname(path))
        self.ticks += 1
        content = data.encode() if isinstance(data, str) else data
        self.entries[path] = Entry("file", content, mode, self.ticks)

    def make_folders(self, path: str, mode: int = 0o755) -> None:
        while path not in self.entries:
            self.entries[path] = Entry("folder", mode=mode)
            path = posixpath.dirname(path)

    def put_link(self, path: str, target: str) -> None:
        self.make_folders(posixpath.dirname(path))
        self.entries[path] = Entry("link", link=target)

    def drop(self, path: str) -> None:
        for known in [known for known in self.entries if known == path or known.startswith(path + "/")]:
            del self.entries[known]

    # Reader

    @property
    def context(self) -> Context:
        return Context(
            folder=self.folder,
            spec=self.spec,
            home=self.home,
            root=self.root,
            state=self.state,
            memory=self.memory_bytes,
            python=self.python,
            target_image=self.target_image,
            suspects=self.suspects,
            deep=self.deep,
            made=self.made,
            ensured=self.ensured,
            edited=self.edited,
            changes=self.changes,
            variables=tuple(self.variables.items()),
        )

    def follow(self, path: str) -> str:
        """Resolve links, in every folder of the path too."""
        resolved = ""
        for part in path.strip("/").split("/"):
            resolved += "/" + part
            for _ in range(8):
                entry = self.entries.get(resolved)
                if not (entry and entry.link):
                    break
                resolved = posixpath.normpath(posixpath.join(posixpath.dirname(resolved), entry.link))
        return resolved

    def read(self, path: str) -> bytes | None:
        if is_web(path):
            answer = self.urls.get(path, 404)
            if isinstance(answer, int) and answer != 404:
                raise ObserveError(f"{shown(path)}: the server answers {answer}")
            return answer if isinstance(answer, bytes) else None
        if path in self.cache and path not in self.entries:
            return self.cache[path]
        entry = self.entries.get(self.follow(path))
        return entry.data if entry and entry.type == "file" else None

    def stat(self, path: str) -> Stat | None:
        parent = self.follow(posixpath.dirname(path)) if path != "/" else "/"
        entry = self.entries.get(posixpath.join(parent, posixpath.basename(path)))
        if entry is None:
            return None
        return Stat(entry.type, entry.mode, len(entry.data), entry.mtime_ns, entry.link)

    def list(self, path: str) -> tuple[str, ...] | None:
        path = self.follow(path)
        if path not in self.entries:
            return None
        prefix = path.rstrip("/") + "/"
        below = (known[len(prefix) :] for known in [*self.entries] if known.startswith(prefix))
        return tuple(sorted(name for name in below if name and "/" not in name))

    def hash(self, path: str) -> str | None:
        data = self.read(path)
        return None if data is None else hashlib.sha256(data).hexdigest()

    def keep(self, name: str, data: bytes) -> str:
        path = self.context.kept(hashlib.sha256(data).hexdigest(), name)
        self.entries.pop(path, None)
        self.cache[path] = data
        return path

    def which(self, program: str) -> str | None:
        return f"/usr/bin/{program}" if program in self.programs else None

    def free(self, path: str) -> int:
        return self.free_bytes

    def ask(self, run: Run) -> Completed:
        self.asked.append(run.argv)
        return self.call(run)

    def head(self, url: str) -> Answer:
        found = self.urls.get(url, 404)
        if isinstance(found, int):
            return Answer(url, found, error=f"the server answers {found}", transient=found >= 500)
        return Answer(url, 200, len(found))

    def accelerators(self) -> Accelerators:
        return self.devices

    def kernel(self) -> Kernel | None:
        return self.notebook

    def redact(self, text: str) -> str:
        return redactor(self.environ)(text)

    # Machine

    def call(self, run: Run) -> Completed:
        program = self.programs.get(posixpath.basename(run.argv[0]))
        if program is None:
            return Completed(127, "", f"{run.argv[0]}: not found")
        return program(self, run)

    def perform(self, effect: Effect, tell: Callable[[int, int, str], None]) -> str:
        self.performed.append(effect)
        match effect:
            case Run():
                completed = self.call(effect)
                if completed.code:
                    raise EffectError(f"{effect.argv[0]} failed", tail=completed.stderr)
                if effect.creates and not is_there(effect.creates, self):
                    raise EffectError(f"{effect.argv[0]} ended with 0, but did not make {effect.creates}")
            case Write(path=path, text=text, mode=mode):
                known = self.entries.get(path)
                self.put(path, text, mode if mode is not None else known.mode if known else 0o644)
            case Block(path=path, text=text):
                known = self.entries.get(path)
                self.put(
                    path, with_block(self.read(path) or b"", text.encode()), known.mode if known else 0o644
                )
            case Edit() | SetKeys() | Patch() | Move() | Chmod() | Copy(tree=True):
                self.alter(effect)
            case Copy(source=source, path=path, mode=mode):
                data = self.read(source)
                if data is None:
                    raise EffectError(f"{source} is not there")
                self.put(path, data, 0o644 if mode is None else mode)
            case Mkdir(path=path, mode=mode):
                self.make_folders(path)
                if mode is not None:
                    self.entries[path].mode = mode
            case Link(path=path, target=target):
                self.put_link(path, target)
            case Remove(path=path):
                self.drop(path)
            case Fetch():
                self.download(effect)
            case Unpack():
                self.unpack(effect)
            case InstallKey(path=path, text=text):
                self.put(path, text or "")
            case _:
                self.live(effect)
        return ""

    def alter(self, effect: Effect) -> None:
        """Change what is there already."""
        match effect:
            case Edit(path=path, changes=changes, mode=mode):
                text, _ = edited(decoded(self.read(path) or b"", path), changes)
                self.put(path, text, self.entries[path].mode if mode is None else mode)
            case SetKeys(path=path, format=form, keys=wanted, mode=mode):
                known = self.entries.get(path)
                text, _ = keys.with_keys(decoded(known.data if known else b"", path), form, wanted)
                self.put(path, text, mode if mode is not None else known.mode if known else 0o644)
            case Patch():
                self.patch(effect)
            case Copy():
                self.copy_tree(effect)
            case Move(source=source, path=path):
                self.move(source, path)
            case Chmod(path=path, mode=mode, tree=tree, keep=keep):
                for place in self.tree(path, keep) if tree else [path]:
                    entry = self.entries[place]
                    entry.mode = mode_in_tree(mode, folder=tree and entry.type == "folder")

    def tree(self, path: str, keep: Collection[str] = ()) -> tuple[str, ...]:
        """A path and all below it, but what is at or below `keep`; no links."""
        return tuple(
            known
            for known, entry in self.entries.items()
            if (known == path or known.startswith(path + "/"))
            and not any(known == kept or known.startswith(kept + "/") for kept in keep)
            and entry.type != "link"
        )

    def patch(self, effect: Patch) -> None:
        told = [
            each
            for path in effect.patches
            for each in diffs.parse(self.read(path) or b"", effect.strip, path)
        ]

        def content(path: str) -> diffs.Content:
            return diffs.Content(self.read(path))

        is_folder = self.entries[self.follow(effect.path)].type == "folder"
        for path, result in diffs.patched(told, effect.path, is_folder, content).items():
            known = self.entries.get(path)
            if result.data is None:
                self.drop(path)
            else:
                self.put(path, result.data, known.mode if known else 0o755 if result.executable else 0o644)

    def copy_tree(self, effect: Copy) -> None:
        source = self.follow(effect.source)
        skipped = tuple(source + path.removeprefix(effect.path) for path in effect.keep)
        self.make_folders(posixpath.dirname(effect.path))
        for known in self.tree(source, skipped):
            path, theirs = effect.path + known.removeprefix(source), self.entries[known]
            ours = self.entries.get(path)
            same = ours and ours.type == theirs.type and len(ours.data) == len(theirs.data)
            if not (ours and same and (ours.type == "folder" or same_time(theirs.mtime_ns, ours.mtime_ns))):
                self.entries[path] = replace(theirs)

    def move(self, source: str, path: str) -> None:
        self.make_folders(posixpath.dirname(path))
        for known in [known for known in self.entries if known == source or known.startswith(source + "/")]:
            self.entries[path + known.removeprefix(source)] = self.entries.pop(known)

    def live(self, effect: Effect) -> None:
        """What only a notebook's kernel can do to itself."""
        assert self.notebook, "there is no kernel"
        assert self.notebook.inside, "this is not the kernel"
        match effect:
            case Mount(path=path):
                self.make_folders(f"{path}/MyDrive")
                self.make_folders(f"{path}/My Drive")
                mounts = (self.read("/proc/self/mounts") or b"") + f"drive {path} fuse.drive rw\n".encode()
                self.put("/proc/self/mounts", mounts)
            case Secret(name=name, variable=variable):
                self.environ = {**self.environ, variable: f"secret of {name}"}
            case Upload(path=path, mode=mode):
                self.put(path, "chosen", mode)
            case Export(name=name, value=value):
                known = {other: held for other, held in self.environ.items() if other != name}
                if isinstance(value, tuple):
                    value = ":".join([*value, *filter(None, [self.environ.get(name)])])
                self.environ = known if value is None else {**known, name: value}
            case Refresh(replaced=replaced):
                self.notebook = replace(self.notebook, replaced=self.notebook.replaced | frozenset(replaced))
            case SearchPath(path=path):
                self.notebook = replace(self.notebook, path=(path, *self.notebook.path))
            case Chdir(path=path):
                self.notebook = replace(self.notebook, folder=path)
            case Extension(name=name):
                self.notebook = replace(self.notebook, extensions=(*self.notebook.extensions, name))

    def download(self, effect: Fetch) -> None:
        contents = {url: self.content(url) for url in effect.urls}
        url = next((url for url in effect.urls if contents[url] is not None), None)
        if url is None:
            raise EffectError(f"none of {', '.join(effect.urls)} can be had")
        data = contents[url] or b""
        self.put(effect.path, data)
        self.drop(effect.path + ".part")
        digest = hashlib.sha256(data).hexdigest()
        self.note(effect.receipt, Receipt(shown(effect.asked or url), digest, len(data)), effect.path)

    def unpack(self, effect: Unpack) -> None:
        """A tar has its members; whatever else is unpacked has one file, itself."""
        told, data = (
            receipt.load(self.read(effect.archive + receipt.SUFFIX)),
            self.read(effect.archive) or b"",
        )
        if effect.format == "gz":
            contents = {effect.to: data}
            self.drop(effect.to)
        else:
            contents = {f"{effect.to}/{name}": each for name, each in members(data, effect.strip).items()}
            self.replace_tree(effect, contents)
        folder, base = posixpath.split(effect.to)
        for path in [path for path in self.entries if path.startswith(f"{folder}/.{base}.provisioner-new-")]:
            self.drop(path)
        for path, each in contents.items():
            self.put(path, each)
        if told:
            self.note(effect.receipt, replace(told, strip=effect.strip), *contents)
        if effect.consume:
            self.drop(effect.archive)
            self.drop(effect.archive + receipt.SUFFIX)

    def replace_tree(self, effect: Unpack, contents: dict[str, bytes]) -> None:
        """Take away what an archive brought earlier; what others keep there hides what it brings now."""
        noted = receipt.load(self.read(effect.receipt or ""))
        known = (
            [effect.receipt or "", *(f"{effect.to}/{name}" for name, *_ in noted.entries())] if noted else []
        )
        kept = [f"{effect.to}/{name}" for name in effect.keep]
        theirs = [path for path in kept if path in self.entries]
        others = receipt.Others(effect.keep)
        below = [
            path
            for path in self.tree(effect.to)
            if self.entries[path].type == "file" and not others.own(posixpath.relpath(path, effect.to))
        ]
        if below and effect.receipt not in (None, *self.entries) and not effect.over:
            raise EffectError(f"{effect.to} exists and is not from a dataset")
        if self.entries.get(effect.to, Entry("folder")).type == "file":
            self.drop(effect.to)
        for path in [path for path in contents if any(f"{path}/".startswith(f"{each}/") for each in theirs)]:
            del contents[path]
        for path in [path for path in known if not any(f"{path}/".startswith(f"{each}/") for each in kept)]:
            self.drop(path)

    def content(self, url: str) -> bytes | None:
        """What a URL gives, or None when it gives nothing."""
        path = local_path(url)
        if path is not None:
            return self.read(path)
        found = self.urls.get(url)
        return found if isinstance(found, bytes) else None

    def note(self, path: str | None, whole: Receipt, *files: str) -> None:
        """Write the receipt of what a download or an archive holds."""
        if path:
            found = [(posixpath.relpath(file, posixpath.dirname(path)), self.entries[file]) for file in files]
            lines = [
                (name, len(each.data), each.mtime_ns, hashlib.sha256(each.data).hexdigest())
                for name, each in found
            ]
            self.put(path, receipt.dump(whole, lines))

    def sleep(self, seconds: float) -> None:
        """Time does not pass here."""

    def cancel(self) -> None:
        """Nothing here takes time."""
