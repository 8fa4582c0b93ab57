"""The effects that change what others made: edits, keys that are set, patches."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from provisioner.machine.edits import diffs, keys
from provisioner.machine.edits.text import decoded, edited
from provisioner.machine.files import in_words, read_regular, replacing
from provisioner.model.effects import Edit, Patch, SetKeys
from provisioner.model.errors import EffectError

NEW_MODES = {False: 0o644, True: 0o755}
"""Of new files, by whether they are programs."""


def edit(effect: Edit) -> None:
    with in_words("edit", effect.path):
        refuse_link(effect.path)
        text, _ = edited(decoded(read_regular(effect.path), effect.path), effect.changes)
        with replacing(effect.path, effect.mode) as file:
            file.write(text.encode())


def set_keys(effect: SetKeys) -> None:
    with in_words("set keys of", effect.path):
        refuse_link(effect.path)
        known = read_regular(effect.path) if os.path.lexists(effect.path) else b""
        text, _ = keys.with_keys(decoded(known, effect.path), effect.format, effect.keys)
        with replacing(effect.path, effect.mode) as file:
            file.write(text.encode())


def patch(effect: Patch) -> None:
    """Apply what is not applied yet, file by file; an interruption leaves whole files."""
    with in_words("patch", effect.path):
        told = [
            each for path in effect.patches for each in diffs.parse(read_regular(path), effect.strip, path)
        ]
        is_folder = os.path.isdir(effect.path)
        base = Path(effect.path)
        if not is_folder:
            refuse_link(effect.path)

        def content(path: str) -> diffs.Content:
            for part in [Path(path), *Path(path).parents]:
                if part == base:
                    break
                refuse_link(str(part))
            if not os.path.lexists(path):
                return diffs.Content(None)
            return diffs.Content(read_regular(path), bool(os.stat(path).st_mode & stat.S_IXUSR))

        for path, result in diffs.patched(told, effect.path, is_folder, content).items():
            put(path, result)


def put(path: str, content: diffs.Content) -> None:
    if content.data is None:
        Path(path).unlink()
        return
    mode = NEW_MODES[content.executable]
    if os.path.lexists(path):
        known = stat.S_IMODE(os.stat(path).st_mode)
        mode = known | with_x(known) if content.executable else known & ~0o111
    with replacing(path, mode) as file:
        file.write(content.data)


def with_x(mode: int) -> int:
    """An x for each r."""
    return (mode & 0o444) >> 2


def refuse_link(path: str) -> None:
    """Raise EffectError for a link: what it leads to may belong to somebody else."""
    if os.path.islink(path):
        raise EffectError(f"{path} is a link to {os.readlink(path)}", "Name the file itself.")
