"""What is changed in files that others made: edits, keys that are set, patches, modes."""

from __future__ import annotations

from provisioner.kinds.files.facts import FileFacts, PatchFacts, in_one
from provisioner.kinds.files.judgements import (
    Judgement,
    blocked,
    describe,
    obstacle_above,
    something,
    with_mode,
    wrong_mode,
)
from provisioner.kinds.files.section import File
from provisioner.machine.edits import keys
from provisioner.machine.edits.text import decoded, edited
from provisioner.machine.edits.values import dotted
from provisioner.model.effects import Edit, SetKeys
from provisioner.model.errors import EffectError
from provisioner.model.plan import Action

LISTED = 3
"""Keys or files that are listed by name."""


def judge_edit(file: File, found: FileFacts) -> Judgement:
    after = describe("edited", file.bits, None)
    if reason := why_not_text(file, found):
        return blocked(found, after, reason)
    changes = tuple(each.change for each in file.edit or ())
    try:
        _, told = edited(decoded(found.data or b"", file.path), changes)
    except EffectError as error:
        return blocked(found, after, in_one(error))
    if not told:
        return with_mode(Judgement(Action.KEEP, after), file, found)
    effect = Edit(path=file.path, changes=changes, mode=file.bits)
    reason = ", ".join(filter(None, ("; ".join(told), wrong_mode(file, found))))
    return Judgement(Action.UPDATE, before(file, found), after, reason, (effect,))


def judge_set(file: File, found: FileFacts) -> Judgement:
    settings, language = file.settings, file.language
    after = describe(listed([dotted(way) for way, _ in settings], "keys") + " set", file.bits, None)
    if reason := obstacle_above(found) or (why_not_text(file, found) if found.stat else ""):
        return blocked(found, after, reason)
    try:
        _, told = keys.with_keys(decoded(found.data or b"", file.path), language, settings)
    except EffectError as error:
        return blocked(found, after, in_one(error))
    if not told:
        return with_mode(Judgement(Action.KEEP, after), file, found)
    effect = SetKeys(path=file.path, format=language, keys=settings, mode=file.bits)
    if found.stat is None:
        return Judgement(Action.CREATE, None, after, effects=(effect,))
    said = f"sets {listed(told, 'keys')}" if len(told) < len(settings) else ""
    reason = ", ".join(filter(None, (said, wrong_mode(file, found))))
    return Judgement(Action.UPDATE, before(file, found), after, reason, (effect,))


def judge_patch(file: File, found: FileFacts) -> Judgement:
    seen, after = found.patch or PatchFacts(), "patched"
    if found.stat is None:
        return blocked(found, after, missing(file))
    if not seen.is_folder and found.stat.link:
        return blocked(found, after, f"{file.path} is a link to {found.stat.link}; name the file itself")
    if seen.refusal:
        return blocked(found, after, seen.refusal)
    if file.recurse and not seen.is_folder:
        return blocked(found, after, f"{file.path} is not a folder; leave out `recurse`")
    if not seen.pending:
        return with_mode(Judgement(Action.KEEP, after), file, found)
    names = [path.removeprefix(file.path).lstrip("/") for path in seen.pending]
    reason = f"changes {listed(names, 'files')}" if seen.is_folder else ""
    return with_mode(
        Judgement(Action.UPDATE, before(file, found), after, reason, (file.patching,)), file, found
    )


def judge_mode(file: File, found: FileFacts) -> Judgement:
    stat = found.stat
    if stat is None:
        return blocked(found, None, missing(file))
    after = describe(stat.type, file.bits, None)
    if stat.link is not None:
        reason = f"{file.path} is a link, and a link has no mode; name what it leads to"
        return blocked(found, None, reason)
    if file.recurse and stat.type != "folder":
        return blocked(found, after, f"{file.path} is not a folder; leave out `recurse`")
    if not wrong_mode(file, found):
        return Judgement(Action.KEEP, after)
    return with_mode(Judgement(Action.UPDATE, describe(stat.type, stat.mode, None), after), file, found)


def why_not_text(file: File, found: FileFacts) -> str:
    """Why there is no file whose text could be changed, and how to fix it; empty when there is one."""
    if found.stat is None:
        return missing(file)
    if found.stat.link is not None:
        return f"{file.path} is a link to {found.stat.link}; name the file itself"
    return (
        ""
        if found.stat.type == "file"
        else f"there is {something(found.stat)} at {file.path}, and not a file"
    )


def missing(file: File) -> str:
    return f"there is no {file.path}; correct `path`, or let another entry make it"


def before(file: File, found: FileFacts) -> str | None:
    stat = found.stat
    return describe(stat.type, stat.mode if file.bits is not None else None, stat.link) if stat else None


def listed(names: list[str] | tuple[str, ...], what: str) -> str:
    return ", ".join(names) if len(names) <= LISTED else f"{len(names)} {what}"
