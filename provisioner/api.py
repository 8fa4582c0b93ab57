"""Everything that `colabenv` does, from Python: typed arguments in, values out, nothing printed.

The command line and the notebook's magics call this. A spec is given as a `Spec`, or as the path of its file;
without one it is `colabenv.yaml` in the current folder. `only` and `skip` choose parts of a spec by the names
of kinds (`pip`) or steps (`datasets.flowers`). `locked` uses exactly what the lock beside the file has.

Every function raises ProvisionerError: SpecError when the spec is wrong, LockError when no lock fits, and
others of the tree in `model/errors.py`, as its description says.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from provisioner.engine.connect import connect, look
from provisioner.engine.plan import survey
from provisioner.engine.selection import Selection
from provisioner.machine.kernel_state import running_shell
from provisioner.model import defaults
from provisioner.model.effects import Write
from provisioner.model.errors import ProvisionerError
from provisioner.model.plan import Change, Plan
from provisioner.model.report import SILENT, Report, Reporter
from provisioner.spec import spec as specs
from provisioner.spec.spec import Spec

if TYPE_CHECKING:
    from provisioner.engine.examine import MachineExamination
    from provisioner.lock.document import Lock
    from provisioner.lock.update import LockUpdate
    from provisioner.runtimes.images import Image
    from provisioner.snapshots.compare import Comparison
    from provisioner.snapshots.snapshot import Snapshot

FilePath: TypeAlias = str | os.PathLike[str]
SpecSource: TypeAlias = Spec | FilePath
"""A spec, or the path of its file."""
Names: TypeAlias = str | Iterable[str]
"""One name, or several."""

_T = TypeVar("_T")


class NotDone(ProvisionerError):  # noqa: N818 - a result, rather than an error of ours
    """The machine is not what the spec says. The message is the report's text, and `report` has all of it."""

    def __init__(self, report: Report, *, shown: bool = False) -> None:
        """`shown` when the report is already displayed: then a traceback repeats only its last line."""
        from provisioner.render import text

        super().__init__(text.render_report(report).rstrip())
        self.report = report
        self.shown = shown

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        from provisioner.render import text

        return [text.result_line(self.report)] if self.shown else self.message.splitlines()


# Specs


def load(spec: SpecSource = defaults.SPEC) -> Spec:
    """Read and check a spec's file.

    Raises SpecError with every problem in it, or ProvisionerError when it cannot be read.
    """
    return spec if isinstance(spec, Spec) else specs.load(os.fspath(spec))


def parse(text: str | bytes, *, folder: FilePath = ".", name: str = "spec") -> Spec:
    """Check the text of a spec that is in no file. Its relative paths start at `folder`.

    Raises SpecError with every problem in it; `name` is what that calls the text.
    """
    return specs.parse(text, name, os.path.abspath(folder))


# Plans


def plan(
    spec: SpecSource = defaults.SPEC,
    *,
    only: Names = (),
    skip: Names = (),
    locked: bool = False,
    against: str | None = None,
) -> Plan:
    """What `apply` would do; nothing is changed.

    With `against`, the name of one of Colab's images (`colab-2026.07-gpu`, or `gpu` for the newest of its
    sort), it is what would be done on such a machine: a plan to read, which cannot be applied.

    Raises ProvisionerError, also for a name in `only`, `skip` or `against` that is not known.
    """
    chosen = Selection(_names(only), _names(skip))
    if against is not None:
        return _displayable(_plan_against(load(spec), against, chosen, locked=locked))
    wanted = _wanted(spec, locked=locked)
    return _displayable(survey(wanted, look(wanted, connect(wanted)), chosen).plan)


def save_plan(plan: Plan, path: FilePath) -> None:
    """Save a plan to a file that only its owner can read: its URLs may have tokens, as in the spec.

    Raises ProvisionerError for a plan that is for another machine, or when the file cannot be written.
    """
    from provisioner.engine.saved_plan import keep_plan

    if plan.against:
        raise ProvisionerError(
            "a plan for another machine cannot be saved for apply",
            "Leave out --out; --json prints it as a document.",
        )
    keep_plan(plan, os.fspath(path))


def load_plan(path: FilePath) -> Plan | None:
    """The plan that `save_plan` wrote to a file; None when the file is something else, or is not there.

    Raises ProvisionerError when it is a plan that cannot be read or applied.
    """
    from provisioner.engine.saved_plan import saved_plan

    return saved_plan(os.fspath(path))


# Machines


def apply(
    spec: SpecSource = defaults.SPEC,
    *,
    only: Names = (),
    skip: Names = (),
    locked: bool = False,
    jobs: int | None = None,
    reporter: Reporter = SILENT,
    check: bool = True,
) -> Report:
    """Make this machine match the spec, and verify it. A machine that matches is left as it is.

    `jobs` is how many steps may run at once, 8 unless given. The reporter is shown the plan before anything
    is done, and every event after that, from any thread.

    Raises NotDone, with the report, when anything differs from the spec; `check=False` returns that report
    instead. Raises ProvisionerError when nothing could be started, and ValueError for `jobs` below 1.
    """
    wanted = _wanted(spec, locked=locked)
    return _provision(wanted, Selection(_names(only), _names(skip)), None, jobs, reporter, check=check)


def apply_plan(
    plan: Plan | FilePath,
    *,
    jobs: int | None = None,
    reporter: Reporter = SILENT,
    check: bool = True,
) -> Report:
    """Do exactly what a plan says, which was made here earlier; or a file that `save_plan` wrote.

    Raises PlanMovedError when the machine, the spec or the lock is no longer what the plan was made for,
    ProvisionerError for a plan `against` an image, and whatever `apply` raises.
    """
    from provisioner.engine.saved_plan import refuse_elsewhere

    saved = plan if isinstance(plan, Plan) else _saved(plan)
    refuse_elsewhere(saved, "this")
    wanted = _wanted(saved.spec, locked=bool(saved.lock))
    return _provision(wanted, Selection(saved.only, saved.skip), saved, jobs, reporter, check=check)


def verify(
    spec: SpecSource = defaults.SPEC,
    *,
    only: Names = (),
    skip: Names = (),
    locked: bool = False,
    deep: bool = False,
    jobs: int | None = None,
    check: bool = True,
) -> Report:
    """Observe everything again and run every check; nothing is changed, and no earlier check is trusted.

    `deep` reads and hashes contents, however large. Raises NotDone and the rest as `apply` does.
    """
    from provisioner.engine import provision

    wanted, chosen = _wanted(spec, locked=locked), Selection(_names(only), _names(skip))
    report = provision.verify(wanted, selection=chosen, deep=deep, jobs=_jobs(jobs))
    return _checked(report, check=check)


def progress(*, verbose: bool = False, events: FilePath | None = None) -> AbstractContextManager[Reporter]:
    """A ready-made reporter, which shows an apply as it goes: in HTML in a notebook's cell, else as text.

    Enter it for the length of an apply: `with progress() as reporter: apply(spec, reporter=reporter)`.
    `verbose` shows what is already right, too; every event is appended to the file `events`, as JSON.

    Raises ProvisionerError when that file cannot be written.
    """
    path = os.fspath(events) if events else None
    if running_shell():
        from provisioner.render.notebook import NotebookReporter

        return NotebookReporter(verbose=verbose, events=path)
    from provisioner.render.reporter import TerminalReporter

    return TerminalReporter(sys.stdout, verbose=verbose, events=path)


# Locks


def write_lock(
    spec: SpecSource = defaults.SPEC,
    *,
    targets: Names = (),
    upgrade: bool | Names = (),
    reporter: Reporter = SILENT,
) -> LockUpdate:
    """Resolve the spec to exact versions and hashes, and write them to the lock beside its file.

    `targets` are names of Colab's images, or `here` for this machine; without any, those that the lock has,
    or else this machine. What was locked stays as long as it fits, but for the names in `upgrade`; True
    upgrades everything.

    Raises LockError for what is not available or cannot be locked, and then the lock is as it was.
    """
    from provisioner.lock import update

    newest = frozenset(() if upgrade is False else _names(upgrade)) if upgrade is not True else None
    return update.relock(_kept(load(spec)), _names(targets), newest, reporter.tell)


def check_lock(spec: SpecSource = defaults.SPEC, *, targets: Names = ()) -> Lock:
    """The lock beside a spec, which fits it.

    Raises LockError when it does not, when there is none, or when it lacks one of `targets`.
    """
    from provisioner.lock import update

    return update.check(_kept(load(spec)), _names(targets))


def drop_targets(spec: SpecSource = defaults.SPEC, *, targets: Names) -> tuple[str, ...]:
    """Take targets out of the lock; their full names. Raises LockError when it has none of such a name."""
    from provisioner.lock import update

    return update.drop(_kept(load(spec)), _names(targets))


def export(
    form: Literal["pylock", "sbom"],
    spec: SpecSource = defaults.SPEC,
    *,
    target: str | None = None,
    path: FilePath | None = None,
) -> str:
    """One target of the lock as a `pylock.toml` (PEP 751) or as a bill of materials (CycloneDX, in JSON).

    Without `target` it is the one that fits this machine. The text is written to the file `path`, if given.

    Raises LockError when there is no lock, or none that can be exported.
    """
    from provisioner.lock.export import forms

    out = os.fspath(path) if path is not None else None
    text = forms.export(_kept(load(spec)), form, target, out)
    if out is not None:
        _write(out, text)
    return text


# Snapshots


def snapshot(spec: SpecSource | None = None) -> Snapshot:
    """All that can be seen of this machine, and, with a spec, of what that names.

    Names of users, home folders and secrets are taken out.
    """
    from provisioner.engine import take_snapshot

    return take_snapshot.snapshot(None if spec is None else load(spec))


def save_snapshot(snapshot: Snapshot, path: FilePath) -> None:
    """Write a snapshot to a file, as JSON."""
    from provisioner.render import documents
    from provisioner.snapshots.snapshot import document

    _write(os.fspath(path), documents.text(document(snapshot)))


def load_snapshot(path: FilePath) -> Snapshot:
    """The snapshot in a file. Raises ProvisionerError for any other file."""
    from provisioner.snapshots import snapshot

    return snapshot.load(os.fspath(path))


def compare(
    first: Snapshot | FilePath, second: Snapshot | FilePath, *, labels: tuple[str, str] = ("first", "second")
) -> Comparison:
    """How two machines differ, the most likely causes first. `labels` are what they are called."""
    from provisioner.snapshots import compare
    from provisioner.snapshots.snapshot import Snapshot

    one, other = (side if isinstance(side, Snapshot) else load_snapshot(side) for side in (first, second))
    return compare.compare(one, other, labels)


def examine(*, frameworks: bool = True) -> MachineExamination:
    """This machine's accelerators, whether the installed frameworks compute on them, and every problem found.

    `frameworks=False` looks at the hardware only. Names of users, home folders and secrets are taken out.
    """
    from provisioner.engine.examine import examine_this_machine

    return examine_this_machine(frameworks=frameworks)


# Colab's images


@dataclass(frozen=True)
class ImageDifference:
    """What changed from one image to another; with a spec, only what affects that."""

    old: Image
    new: Image
    changes: tuple[Change, ...]
    others: int = 0
    """How many more changes there are, which do not affect the spec."""
    unread: tuple[str, ...] = ()
    """Requirement files with lines whose names are not known without uv."""


def images() -> tuple[Image, ...]:
    """Every image of Colab's that is known, oldest first."""
    from provisioner.runtimes import images

    return tuple(map(images.load, images.names()))


def image_difference(old: str, new: str, *, spec: SpecSource | None = None) -> ImageDifference:
    """What changed from one of Colab's images to another.

    Raises ProvisionerError when an image is not known, or the spec names a file that is not there.
    """
    from provisioner.engine.concerns import concerns_of
    from provisioner.runtimes import images
    from provisioner.runtimes.difference import affecting, difference

    before, after = images.load(old), images.load(new)
    every = difference(before, after)
    if spec is None:
        return ImageDifference(before, after, every)
    affected_by = concerns_of(load(spec))
    shown = affecting(before, after, affected_by.concerns)
    return ImageDifference(before, after, shown, len(every) - len(shown), affected_by.unread)


# What these share


def _names(given: Names) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _jobs(given: int | None) -> int:
    from provisioner.engine import provision

    if given is not None and given < 1:
        raise ValueError("jobs must be 1 or more")
    return given or provision.JOBS


def _kept(spec: Spec) -> Spec:
    """A spec that is in a file. Raises ProvisionerError for one that is not, such as a notebook cell's."""
    if not spec.kept:
        raise ProvisionerError(
            "a spec that is in no file has no lock", "Keep its text in a file, and lock that."
        )
    return spec


def _wanted(source: SpecSource, *, locked: bool) -> Spec:
    """The spec; when `locked`, with the pins that its lock has for this machine."""
    spec = load(source)
    if not locked:
        return spec
    from provisioner.lock import use

    return use.locked(_kept(spec), look(spec, connect(spec)))


def _saved(path: FilePath) -> Plan:
    """The plan in a file. Raises ProvisionerError when there is none."""
    if (found := load_plan(path)) is None:
        raise ProvisionerError(
            f"there is no plan in {os.fspath(path)}", "Write one: colabenv plan --out FILE"
        )
    return found


def _plan_against(spec: Spec, image: str, chosen: Selection, *, locked: bool) -> Plan:
    from provisioner.engine.plan_for_image import plan_against
    from provisioner.lock import use
    from provisioner.runtimes import images

    if locked:
        return plan_against(_kept(spec), images.load(image), chosen, use.locked)
    return plan_against(spec, images.load(image), chosen)


def _provision(
    spec: Spec, chosen: Selection, saved: Plan | None, jobs: int | None, reporter: Reporter, *, check: bool
) -> Report:
    from provisioner.engine import provision
    from provisioner.render import text

    report = provision.provision(
        spec,
        selection=chosen,
        saved=saved,
        reporter=reporter,
        summarize=text.render_no_op,
        jobs=_jobs(jobs),
    )
    return _checked(report, check=check)


def _checked(report: Report, *, check: bool) -> Report:
    if check and not report.ok:
        raise NotDone(report)
    return _displayable(report)


def _displayable(value: _T) -> _T:
    """`value`, which the notebook's kernel that we run in, if we do, can show well from now on."""
    if shell := running_shell():
        from provisioner.render.notebook import register_formatters

        register_formatters(shell)
    return value


def _write(path: str, text: str) -> None:
    from provisioner.machine import files

    files.write(Write(path=os.path.abspath(path), text=text))
