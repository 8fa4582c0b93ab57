"""What is put somewhere, or taken away: copies of whole folders, what is moved, what is removed."""

from __future__ import annotations

from provisioner.kinds.files.facts import CopyFacts, FileFacts, RemovalFacts
from provisioner.kinds.files.judgements import (
    IN_THE_WAY,
    Judgement,
    blocked,
    described,
    obstacle_above,
    something,
    with_mode,
)
from provisioner.kinds.files.section import File
from provisioner.kinds.shared.fields import as_written
from provisioner.model.effects import Copy, Move, Remove
from provisioner.model.plan import Action
from provisioner.model.units import format_size


def judge_copy(file: File, found: FileFacts) -> Judgement:
    original, seen = file.original or "", found.copy or CopyFacts()
    after = "a copy" if found.source is None else f"a copy, {size_of(seen)}"
    if reason := why_not_copied(file, found, seen):
        return blocked(found, after, reason)
    pending = (*seen.missing, *seen.stale)
    if not pending:
        return with_mode(Judgement(Action.KEEP, after), file, found)
    effect = Copy(source=original, path=file.path, tree=True, keep=seen.keep)
    if found.stat is None:
        return with_mode(Judgement(Action.CREATE, None, after, effects=(effect,)), file, found)
    here = "is missing or differs" if len(pending) == 1 else "are missing or differ"
    reason = f"{first(pending, file.path)} {here}" if pending != ("",) else "content differs"
    return with_mode(Judgement(Action.UPDATE, described(found.stat), after, reason, (effect,)), file, found)


def why_not_copied(file: File, found: FileFacts, seen: CopyFacts) -> str:
    if found.source is None:
        return f"{file.original} does not exist{found.like_source}; correct `copy`"
    if reason := obstacle_above(found):
        return reason
    if found.source.type == "other":
        return f"{file.original} is neither a file nor a folder; correct `copy`"
    if found.stat and found.stat.type != found.source.type:
        return f"there is {something(found.stat)} at {file.path}; {IN_THE_WAY}"
    if seen.obstacles:
        return f"{first(seen.obstacles, file.path)} is of another type than in {file.original}; move it away"
    if seen.changed:
        have = "has" if len(seen.changed) == 1 else "have"
        way_out = "move that away to have the copy again, or take the entry out"
        return (
            f"{first(seen.changed, file.path)} {have} changed here, later than in {file.original}; {way_out}"
        )
    if seen.needed > seen.free:
        free = f"{format_size(seen.free)} are free at {file.path}"
        return f"it needs {format_size(seen.needed)}, and {free}; free some space, or choose another path"
    return ""


def first(names: tuple[str, ...], path: str) -> str:
    """The first of some things in a copy, and how many more there are."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{path}{names[0]}{more}"


def size_of(seen: CopyFacts) -> str:
    return f"{seen.files} file{'' if seen.files == 1 else 's'}, {format_size(seen.bytes)}"


def judge_move(file: File, found: FileFacts) -> Judgement:
    source, after = file.move or "", f"moved from {as_written(file.move or '')}"
    if found.stat and not found.source:
        return with_mode(Judgement(Action.KEEP, after), file, found)
    if found.stat:
        return blocked(found, after, f"both {source} and {file.path} exist; remove one of them, or the entry")
    if not found.source:
        none = f"neither {source} nor {file.path} exists{found.like_source}"
        return blocked(found, after, f"{none}; correct `move`")
    if reason := obstacle_above(found):
        return blocked(found, after, reason)
    effect = Move(source=source, path=file.path)
    return with_mode(Judgement(Action.CREATE, None, after, effects=(effect,)), file, found)


def judge_absent(file: File, found: FileFacts) -> Judgement:
    if found.stat is None:
        return Judgement(Action.KEEP, "absent")
    if reason := why_not_removed(file, found.removal or RemovalFacts()):
        return blocked(found, None, reason)
    effect = Remove(path=file.path, tree=found.stat.type == "folder")
    return Judgement(Action.REMOVE, described(found.stat), effects=(effect,))


def why_not_removed(file: File, seen: RemovalFacts) -> str:
    if seen.made:
        return f"{seen.made[0]} lies in it, which this file makes; take one of the two entries out"
    if seen.mounts:
        return f"{seen.mounts[0]} is mounted there, and would be emptied; unmount it first"
    if seen.link:
        return f"{seen.link} on the way to it is a link; name the place that it leads to"
    if seen.holds and not seen.is_inside and not file.recurse:
        where = "outside of the file's folder and of the home folder"
        return f"it is not empty, and lies {where}; write `recurse: true` to remove all of it"
    return ""
