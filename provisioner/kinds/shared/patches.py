"""What the spec's patches take away of what others make, so that those do not miss it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from provisioner.kinds.shared.changed import diffs_of
from provisioner.kinds.shared.fields import is_at_or_below
from provisioner.machine.reader import Reader
from provisioner.model.effects import Patch
from provisioner.model.errors import EffectError


def taken_away(folder: str, reader: Reader) -> frozenset[str]:
    """The files at or below a folder that are not there once all patches are applied, as far as these can be
    read.
    """
    near = (
        patch
        for patch in reader.context.changes
        if isinstance(patch, Patch)
        if is_at_or_below(patch.path, folder) or is_at_or_below(folder, patch.path)
    )
    gone = {path: removes for patch in near for path, removes in outcomes(patch, reader)}
    return frozenset(path for path, removes in gone.items() if removes and is_at_or_below(path, folder))


def outcomes(patch: Patch, reader: Reader) -> Iterator[tuple[str, bool]]:
    """The files of a folder that a patch is about, and whether each is removed; what comes last counts."""
    for file in patch.patches:
        with suppress(EffectError):  # applying it will say so
            for path, diff in diffs_of(replace(patch, patches=(file,)), reader):
                yield path, diff.removes
