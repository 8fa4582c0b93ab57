"""Environment variables that last: for every later shell, and for every later notebook kernel.

Each owner (`env`, `jdk`) has files of its own, so that none overwrites another's:

- a shell file. For root it is in /etc/profile.d, which every login shell of every user reads; for others
  in ~/.config/colabenv, which their own start-up files are told to read.
- an IPython start-up file, because a kernel is started by no shell. What a kernel starts inherits from it.

A shell that is not a login shell (a terminal in Colab or Docker) reads only ~/.bashrc, so one block there
reads the shell files. The block names no owner: whoever writes it writes the same text, and it stays when
there is nothing left to read.

The files are read back to learn what they set, so nothing else needs to remember it. Their first line says
which spec they were written for. An owner has one pair of files on a machine, so where two specs name the
same owner, the one that is applied last decides, and its plan says whose variables it takes away.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from provisioner.kinds.base import ABSENT
from provisioner.kinds.shared.variable_files import (
    WRITTEN_FOR,
    Setting,
    Settings,
    notice,
    parse_kernel,
    parse_shell,
    render_kernel,
    render_shell,
)
from provisioner.machine.reader import Reader
from provisioner.model.effects import Block, Effect, Export, Remove, Write
from provisioner.model.errors import ObserveError
from provisioner.model.plan import Action, Change

BLOCK = """\
# >>> colabenv >>>
# Reads what colabenv.yaml sets; see `env` there.
for colabenv_file in {pattern}; do
    if [ -r "$colabenv_file" ]; then . "$colabenv_file"; fi
done
unset colabenv_file
# <<< colabenv <<<
"""

NOT_YET = "not yet in this kernel"

LOGIN_FILES = (".bash_profile", ".bash_login")
"""Where one of these exists, bash reads it in place of ~/.profile."""


@dataclass(frozen=True)
class Found:
    """A text file as it is: `text` is None where there is none."""

    path: str
    text: str | None


@dataclass(frozen=True)
class Lasting:
    """What the files of one owner hold now."""

    shell: Found
    kernel: Found
    unaware: tuple[str, ...]
    """The user's own files that must read the shell file and do not; what they hold is not ours to tell."""
    block: str
    """What makes them read it."""
    spec: str = ""
    """The file that variables are wanted for now; "" for a cell."""
    live: Mapping[str, str | None] | None = None
    """What the kernel that we are has now, of the variables in question; None where we are no kernel."""

    @property
    def settings(self) -> tuple[dict[str, Setting], dict[str, Setting]]:
        """What later shells get, and what later kernels get."""
        return parse_shell(self.shell.text), parse_kernel(self.kernel.text)

    @property
    def other(self) -> str | None:
        """Another spec that one of the files was written for, as it stands there."""
        told = (WRITTEN_FOR.match(file.text or "") for file in (self.shell, self.kernel))
        return next((match[1] for match in told if match and match[0] != notice(self.spec)), None)


def places(name: str, reader: Reader) -> tuple[str, str]:
    """The shell file and the IPython start-up file of the owner called `name`."""
    home = reader.context.home
    ipython = posixpath.join(home, reader.environ.get("IPYTHONDIR", "").removeprefix("~/") or ".ipython")
    kernel = posixpath.join(ipython, "profile_default", "startup", f"00-colabenv-{name}.py")
    if reader.context.root:
        return f"/etc/profile.d/colabenv-{name}.sh", kernel
    return posixpath.join(home, ".config", "colabenv", f"{name}.sh"), kernel


def observe(name: str, reader: Reader, variables: Collection[str] = ()) -> Lasting:
    """Read the files that the owner called `name` keeps, and what a kernel has of `variables`.

    Raises ObserveError for a file that is not UTF-8.
    """
    home = reader.context.home
    shell, kernel = places(name, reader)
    if reader.context.root:
        startup = [".bashrc"]
        pattern = "/etc/profile.d/colabenv-*.sh"
    else:
        startup = [".bashrc", ".profile"]
        startup += [file for file in LOGIN_FILES if reader.stat(posixpath.join(home, file))]
        pattern = '"$HOME"/.config/colabenv/*.sh'
    block = BLOCK.format(pattern=pattern)
    files = [follow(reader, posixpath.join(home, file)) for file in startup]
    startup_file = look(reader, kernel)
    running = reader.kernel()
    names = sorted({*variables, *parse_kernel(startup_file.text)})
    live = {name: reader.environ.get(name) for name in names} if running and running.inside else None
    return Lasting(
        shell=look(reader, shell),
        kernel=startup_file,
        unaware=tuple(file for file in files if block.encode() not in (reader.read(file) or b"")),
        block=block,
        spec=reader.context.spec,
        live=live,
    )


def look(reader: Reader, path: str) -> Found:
    data = reader.read(path)
    try:
        return Found(path, None if data is None else data.decode())
    except UnicodeDecodeError as error:
        raise ObserveError(f"{path} is not UTF-8 text", "Convert it, or move it away.") from error


def follow(reader: Reader, path: str) -> str:
    """Where a start-up file really is: people keep theirs elsewhere and link to them."""
    for _ in range(8):
        found = reader.stat(path)
        if not (found and found.link):
            break
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), found.link))
    return path


def effects(wanted: Settings, found: Lasting) -> tuple[Effect, ...]:
    """What makes the files, and the kernel that we are, set exactly `wanted`; nothing when they do."""
    exports = live_effects(wanted, found)
    if not wanted:
        written = (file.path for file in (found.shell, found.kernel) if file.text is not None)
        return (*(Remove(path=path) for path in written), *exports)
    texts = [
        (found.shell, render_shell(wanted, found.spec)),
        (found.kernel, render_kernel(wanted, found.spec)),
    ]
    writes = [Write(path=file.path, text=text) for file, text in texts if file.text != text]
    return (*writes, *(Block(path=path, text=found.block) for path in found.unaware), *exports)


def live_effects(wanted: Settings, found: Lasting) -> Iterator[Export]:
    """What makes the kernel that we are have what later ones will have, and lose what they will not."""
    if found.live is None:
        return
    for name, value in wanted.items():
        if not in_force(value, found.live.get(name)):
            yield Export(name=name, value=value)
    for name, value in found.settings[1].items():
        if name not in wanted and found.live.get(name) is not None:
            yield Export(name=name, value=without(value, found.live[name] or ""))


def in_force(wanted: Setting, live: str | None) -> bool:
    """Whether a variable is as wanted already: folders must stand in front."""
    if isinstance(wanted, tuple):
        return tuple((live or "").split(":")[: len(wanted)]) == wanted
    return live == wanted


def without(setting: Setting, live: str) -> str | None:
    """What is left of a variable when a setting is taken back."""
    if isinstance(setting, tuple):
        return ":".join(item for item in live.split(":") if item not in setting) or None
    return None


def changes(prefix: str, wanted: Settings, found: Lasting) -> tuple[Change, ...]:
    """One change for each variable that is wanted or was set before, `PREFIX.NAME`."""
    shell, kernel = found.settings
    told = [
        compare(f"{prefix}.{name}", value, [known[name] for known in (shell, kernel) if name in known])
        for name, value in wanted.items()
    ]
    told += [
        Change(f"{prefix}.{name}", Action.REMOVE, describe(value), None, "the file no longer names it")
        for name, value in (kernel | shell).items()
        if name not in wanted
    ]
    removed = [effect.path for effect in effects(wanted, found) if isinstance(effect, Remove)]
    if removed and not told:
        told = [Change(prefix, Action.REMOVE, ", ".join(removed), None, "edited beyond recognition")]
    live = {effect.name for effect in live_effects(wanted, found)}
    told = [
        replace(change, action=Action.UPDATE, after=change.before, reason=NOT_YET)
        if change.action is Action.KEEP and change.address.removeprefix(f"{prefix}.") in live
        else change
        for change in told
    ]
    if all(change.action is Action.KEEP for change in told):
        edited = ", ".join(
            effect.path for effect in effects(wanted, found) if isinstance(effect, Write | Block | Remove)
        )
        if edited:
            reason = f"edited, removed or of an earlier format: {edited}"
            told = [
                replace(change, action=Action.UPDATE, after=change.before, reason=reason) for change in told
            ]
    if found.other:
        reason = f"set for {found.other}; the spec that is applied last decides"
        taken = (Action.UPDATE, Action.REMOVE)
        told = [replace(change, reason=reason) if change.action in taken else change for change in told]
    return tuple(told)


def compare(address: str, wanted: Setting, known: Sequence[Setting]) -> Change:
    """`known` holds what the shell file and the kernel file set, as far as they name the variable."""
    if not known:
        return Change(address, Action.CREATE, None, describe(wanted))
    if all(value == wanted for value in known):
        if len(known) == len(("shell", "kernel")):
            return Change(address, Action.KEEP, describe(wanted))
        return Change(address, Action.UPDATE, describe(wanted), describe(wanted), "set in one place of two")
    different = next(value for value in known if value != wanted)
    return Change(address, Action.UPDATE, describe(different), describe(wanted))


def describe(setting: Setting) -> str:
    """A setting as a plan shows it."""
    if setting is None:
        return "unset"
    if isinstance(setting, tuple):
        return f"{':'.join(setting)}:..."
    return setting


def standing(name: str, found: Lasting, words: Mapping[str, str]) -> str:
    """What later shells and kernels get of a variable; `words` say paths as every machine can say them."""

    def told(settings: Mapping[str, Setting]) -> str:
        match settings.get(name, ABSENT):
            case None:
                return "unset"
            case str(value) if name in settings:
                return json.dumps(words.get(value, value), ensure_ascii=False)
            case tuple(folders):
                return json.dumps([words.get(folder, folder) for folder in folders], ensure_ascii=False)
        return ABSENT

    shell, kernel = map(told, found.settings)
    return shell if shell == kernel else f"{shell} in shells, {kernel} in kernels"
