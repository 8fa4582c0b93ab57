"""What a plan says of one entry: what there is, what there will be, and how that is done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from provisioner.kinds.files.facts import FileFacts
from provisioner.kinds.files.section import File
from provisioner.machine.reader import Stat
from provisioner.model.effects import Chmod, Effect
from provisioner.model.plan import Action

IN_THE_WAY = "move it away, or choose another path"


@dataclass(frozen=True)
class Judgement:
    """The change of one entry without its address, and its effects."""

    action: Action
    before: str | None
    after: str | None = None
    reason: str = ""
    effects: tuple[Effect, ...] = ()


def blocked(found: FileFacts, after: str | None, reason: str) -> Judgement:
    return Judgement(Action.BLOCKED, described(found.stat) if found.stat else None, after, reason)


def described(stat: Stat) -> str:
    return describe(stat.type, None, stat.link)


def describe(kind: str, mode: int | None, link: str | None) -> str:
    """What is at a path, as a plan shows it."""
    if link is not None:
        return f"link to {link}"
    return kind if mode is None else f"{kind} {mode:04o}"


def obstacle_above(found: FileFacts) -> str:
    """Why nothing can be put at the path; empty when that is possible."""
    if not found.obstacle:
        return ""
    return f"{found.obstacle} exists and is not a folder; {IN_THE_WAY}"


def something(stat: Stat) -> str:
    return "something else" if stat.type == "other" else f"a {stat.type}"


def with_mode(judgement: Judgement, file: File, found: FileFacts) -> Judgement:
    """A judgement that sees to the mode as well, for what keeps the mode that it has."""
    if file.bits is None or judgement.action is Action.BLOCKED:
        return judgement
    wrong = wrong_mode(file, found)
    if judgement.action is Action.KEEP and not wrong:
        return judgement
    keep = found.modes.keep if found.modes else ()
    chmod = Chmod(path=file.path, mode=file.bits, tree=bool(file.recurse), keep=keep)
    reason = ", ".join(filter(None, (judgement.reason, wrong)))
    action = Action.UPDATE if judgement.action is Action.KEEP else judgement.action
    after = judgement.after or judgement.before
    return replace(judgement, action=action, after=after, reason=reason, effects=(*judgement.effects, chmod))


def wrong_mode(file: File, found: FileFacts) -> str:
    """How the mode of what is there differs, as text; empty where it does not, or nothing is there."""
    if file.bits is None or found.stat is None:
        return ""
    if found.modes is not None:
        wrong, count = found.modes.wrong, found.modes.count
        of = "it has" if count == 1 else f"{wrong} of {count} files and folders have"
        return f"{of} another mode than {file.bits:04o}" if wrong else ""
    return "" if found.stat.mode == file.bits else f"mode {found.stat.mode:04o} -> {file.bits:04o}"
