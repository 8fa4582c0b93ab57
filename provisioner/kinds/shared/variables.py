"""Persistent environment variables: for every later shell, and for every later notebook kernel.

Each owner (`env`, `jdk`) has files of its own, so that none overwrites another's:

- a shell file. For root it is in /etc/profile.d, which every login shell of every user reads; for others
  in ~/.config/colabenv, which their own start-up files are told to read.
- an IPython start-up file, because a kernel is started by no shell. What a kernel starts inherits from it.

A shell that is not a login shell (a terminal in Colab or Docker) reads only ~/.bashrc, so one block there
reads the shell files. The block does not name an owner: its text is always the same, and it stays when there
is nothing left to read.

The files are read back to learn what they set, so nothing else needs to remember it. Their first line says
which spec they were written for. An owner has one pair of files on a machine, so where two specs name the
same owner, the one that is applied last decides, and its plan says whose variables it takes away.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from provisioner.facts.paths import follow
from provisioner.facts.platforms import is_kernel
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
class TextFile:
    """A text file as it is: `text` is None where there is none."""

    path: str
    text: str | None


@dataclass(frozen=True)
class PersistentVariables:
    """The current settings in the files of one owner."""

    shell: TextFile
    kernel: TextFile
    unaware: tuple[str, ...]
    """The user's own files that must read the shell file and do not; their other contents are private."""
    block: str
    """What makes them read it."""
    spec: str = ""
    """The file that variables are wanted for now; "" for a cell."""
    live: Mapping[str, str | None] | None = None
    """Our own kernel's values of the variables in question; None where we are not a kernel."""

    @property
    def settings(self) -> tuple[dict[str, Setting], dict[str, Setting]]:
        """What later shells get, and what later kernels get."""
        return parse_shell(self.shell.text), parse_kernel(self.kernel.text)

    @property
    def other(self) -> str | None:
        """Another spec that one of the files was written for, as the file names it."""
        notices = (WRITTEN_FOR.match(file.text or "") for file in (self.shell, self.kernel))
        return next((match[1] for match in notices if match and match[0] != notice(self.spec)), None)


def places(name: str, reader: Reader) -> tuple[str, str]:
    """The shell file and the IPython start-up file of the owner called `name`."""
    home = reader.context.home
    ipython = posixpath.join(home, reader.environ.get("IPYTHONDIR", "").removeprefix("~/") or ".ipython")
    kernel = posixpath.join(ipython, "profile_default", "startup", f"00-colabenv-{name}.py")
    if reader.context.root:
        return f"/etc/profile.d/colabenv-{name}.sh", kernel
    return posixpath.join(home, ".config", "colabenv", f"{name}.sh"), kernel


def observe(name: str, reader: Reader, variables: Collection[str] = ()) -> PersistentVariables:
    """Read the files of the owner called `name`, and a kernel's values of `variables`.

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
    # People keep their own start-up files in other folders and link to them.
    files = [follow(path, reader) or path for file in startup for path in [posixpath.join(home, file)]]
    startup_file = look(reader, kernel)
    names = sorted({*variables, *parse_kernel(startup_file.text)})
    live = {name: reader.environ.get(name) for name in names} if is_kernel(reader) else None
    return PersistentVariables(
        shell=look(reader, shell),
        kernel=startup_file,
        unaware=tuple(file for file in files if block.encode() not in (reader.read(file) or b"")),
        block=block,
        spec=reader.context.spec,
        live=live,
    )


def look(reader: Reader, path: str) -> TextFile:
    data = reader.read(path)
    try:
        return TextFile(path, None if data is None else data.decode())
    except UnicodeDecodeError as error:
        raise ObserveError(f"{path} is not UTF-8 text", "Convert it, or move it away.") from error


def effects(wanted: Settings, found: PersistentVariables) -> tuple[Effect, ...]:
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


def live_effects(wanted: Settings, found: PersistentVariables) -> Iterator[Export]:
    """What gives our own kernel the variables that later ones will have, and no others."""
    if found.live is None:
        return
    for name, value in wanted.items():
        if not in_force(value, found.live.get(name)):
            yield Export(name=name, value=value)
    for name, value in found.settings[1].items():
        if name not in wanted and found.live.get(name) is not None:
            yield Export(name=name, value=without(value, found.live[name] or ""))


def in_force(wanted: Setting, live: str | None) -> bool:
    """Whether a variable is already right: folders must come first."""
    if isinstance(wanted, tuple):
        return tuple((live or "").split(":")[: len(wanted)]) == wanted
    return live == wanted


def without(setting: Setting, live: str) -> str | None:
    """What is left of a variable when a setting is removed."""
    if isinstance(setting, tuple):
        return ":".join(item for item in live.split(":") if item not in setting) or None
    return None


def changes(prefix: str, wanted: Settings, found: PersistentVariables) -> tuple[Change, ...]:
    """One change for each variable that is wanted or was set before, `PREFIX.NAME`."""
    planned = [*differences(prefix, wanted, found)]
    removed = [effect.path for effect in effects(wanted, found) if isinstance(effect, Remove)]
    if removed and not planned:
        planned = [Change(prefix, Action.REMOVE, ", ".join(removed), None, "not readable")]
    live = {f"{prefix}.{effect.name}" for effect in live_effects(wanted, found)}
    planned = [renewed(each, NOT_YET) if is_kept(each) and each.address in live else each for each in planned]
    edited = [each.path for each in effects(wanted, found) if isinstance(each, Write | Block | Remove)]
    if edited and all(map(is_kept, planned)):
        reason = f"edited, removed or of an earlier format: {', '.join(edited)}"
        planned = [renewed(each, reason) for each in planned]
    if found.other:
        reason = f"set for {found.other}; the spec that is applied last wins"
        taken = (Action.UPDATE, Action.REMOVE)
        planned = [replace(each, reason=reason) if each.action in taken else each for each in planned]
    return tuple(planned)


def differences(prefix: str, wanted: Settings, found: PersistentVariables) -> Iterator[Change]:
    """What the section sets against what the files set, and then what only the files set."""
    shell, kernel = found.settings
    for name, value in wanted.items():
        known = [settings[name] for settings in (shell, kernel) if name in settings]
        yield compare(f"{prefix}.{name}", value, known)
    for name, value in (kernel | shell).items():
        if name not in wanted:
            reason = "the file no longer names it"
            yield Change(f"{prefix}.{name}", Action.REMOVE, describe(value), None, reason)


def is_kept(change: Change) -> bool:
    return change.action is Action.KEEP


def renewed(change: Change, reason: str) -> Change:
    """A variable that has the right value, and has to be set again."""
    return replace(change, action=Action.UPDATE, after=change.before, reason=reason)


def compare(address: str, wanted: Setting, known: Sequence[Setting]) -> Change:
    """`known` holds what the shell file and the kernel file set, as far as they name the variable."""
    if not known:
        return Change(address, Action.CREATE, None, describe(wanted))
    if all(value == wanted for value in known):
        if len(known) == len(("shell", "kernel")):
            return Change(address, Action.KEEP, describe(wanted))
        reason = "set in only one of the two files"
        return Change(address, Action.UPDATE, describe(wanted), describe(wanted), reason)
    different = next(value for value in known if value != wanted)
    return Change(address, Action.UPDATE, describe(different), describe(wanted))


def describe(setting: Setting) -> str:
    """A setting as a plan shows it."""
    if setting is None:
        return "unset"
    if isinstance(setting, tuple):
        return f"{':'.join(setting)}:..."
    return setting


def persisted(name: str, found: PersistentVariables, words: Mapping[str, str]) -> str:
    """What later shells and kernels get of a variable; `words` say paths as every machine can say them."""

    def value(settings: Mapping[str, Setting]) -> str:
        match settings.get(name, ABSENT):
            case None:
                return "unset"
            case str(text) if name in settings:
                return json.dumps(words.get(text, text), ensure_ascii=False)
            case tuple(folders):
                return json.dumps([words.get(folder, folder) for folder in folders], ensure_ascii=False)
        return ABSENT

    shell, kernel = map(value, found.settings)
    return shell if shell == kernel else f"{shell} in shells, {kernel} in kernels"
