"""What each command does: calls to the engine, and an exit code. It knows no kind and decides nothing."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from provisioner.engine import provision
from provisioner.engine.connect import connect
from provisioner.engine.plan import survey
from provisioner.engine.selection import Selection
from provisioner.model.effects import Write
from provisioner.model.errors import Interrupted, ProvisionerError, SpecError
from provisioner.model.plan import Plan
from provisioner.model.report import Report, Status
from provisioner.spec.spec import Spec
from provisioner.spec.spec import load as read_spec

if TYPE_CHECKING:
    from provisioner.render.reporter import Narrator

FAILED = 1
PENDING = 2
INTERRUPTED = 130

UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors that nothing but writing can give, and that are nobody's mistake."""

NO_RESTART = (
    "--restart restarts the notebook's kernel, and this process is none",
    "Run it in a cell: %load_ext provisioner, then %colabenv apply --restart.",
)


def init(options: argparse.Namespace) -> int:
    from provisioner.commands.init import write_starter

    path = write_starter(Path(options.spec), force=options.force)
    print(f"Wrote {path}. Next: edit it, then plan, then apply.")
    return 0


def validate(options: argparse.Namespace) -> int:
    spec = load(options)
    print(f"{options.spec} is valid: {spec.name}, with {', '.join(spec.sections) or 'no sections'}.")
    return 0


def load(options: argparse.Namespace) -> Spec:
    """The spec that a command is about: the one that a notebook's cell holds, or a file's."""
    locked = getattr(options, "locked", False)
    if options.cell and locked:
        raise ProvisionerError("a cell has no lock", "Keep its text in a file, and lock that.")
    spec: Spec = options.cell or read_spec(options.spec)
    return held(spec) if locked and not getattr(options, "against", None) else spec


def held(spec: Spec) -> Spec:
    """The spec as its lock has it for this machine."""
    from provisioner.lock.use import hold

    return hold(spec, connect(spec))


def planned(options: argparse.Namespace) -> Plan:
    """The plan, kept in a file if that was asked for."""
    spec = load(options)
    if options.against:
        return planned_against(spec, options)
    made = survey(spec, connect(spec), selection(options))
    if options.out:
        from provisioner.engine.saved_plan import keep_plan

        keep_plan(made, options.out)
    return made


def planned_against(spec: Spec, options: argparse.Namespace) -> Plan:
    """The plan for an image that is not here."""
    from provisioner.engine.plan_for_image import plan_against
    from provisioner.runtimes import images

    if options.out:
        raise ProvisionerError(
            "a plan for another machine cannot be kept for apply",
            "Leave out --out; --json prints it as a document.",
        )
    image = images.load(options.against)
    if not options.locked:
        return plan_against(spec, image, selection(options))
    from provisioner.lock.use import hold

    return plan_against(spec, image, selection(options), hold)


def plan(options: argparse.Namespace) -> int:
    made = planned(options)
    if options.json:
        from provisioner.render import documents

        print(documents.text(documents.plan_document(made)), end="")
    elif options.command == "status":
        show_status(made)
    else:
        show_plan(made, verbose=options.verbose)
    if made.against and any(step.blocked for step in made.steps):
        return FAILED
    return PENDING if options.detailed_exitcode and made.pending else 0


def apply(options: argparse.Namespace) -> int:
    if options.dry_run:
        return plan(options)
    if options.restart:
        raise ProvisionerError(*NO_RESTART)
    with narrator(options) as telling:
        report = applied(options, telling)
    return conclude(report, options)


def narrator(options: argparse.Namespace) -> Narrator:
    """Tells an apply on a stream, on the other one where a JSON document goes to the first."""
    from provisioner.machine.kernel_process import kernel_process
    from provisioner.render.reporter import Narrator

    stream = sys.stderr if options.json else sys.stdout
    # A cell's `!` gives a terminal, but what shows its output knows no cursor.
    live = kernel_process() is None
    return Narrator(stream, verbose=options.verbose, events=options.events, live=live)


def applied(options: argparse.Namespace, telling: Narrator) -> Report:
    """What came of an apply."""
    from provisioner.engine.saved_plan import saved_plan
    from provisioner.render import text

    saved = None if options.cell else saved_plan(options.spec)
    if saved:
        spec = held(read_spec(saved.spec)) if saved.lock else read_spec(saved.spec)
    else:
        spec = load(options)
    return provision.provision(
        spec,
        selection=Selection(saved.only, saved.skip) if saved else selection(options),
        saved=saved,
        tell=telling.tell,
        show=telling.show,
        conclude=text.render_standing,
        jobs=options.jobs or provision.JOBS,
    )


def verify(options: argparse.Namespace) -> int:
    return conclude(verified(options), options)


def verified(options: argparse.Namespace) -> Report:
    """What came of a verify."""
    return provision.verify(
        load(options),
        selection=selection(options),
        deep=options.deep,
        jobs=options.jobs or provision.JOBS,
    )


def lock(options: argparse.Namespace) -> int:
    from provisioner.lock import update

    spec = read_spec(options.spec)
    if options.check or options.drop:
        print(update.check(spec, options.targets) if options.check else update.drop(spec, options.drop))
        return 0
    upgrade = None if options.upgrade == [] else frozenset(options.upgrade or ())
    with narrator(options) as telling:
        print(update.relock(spec, options.targets, upgrade, telling.tell))
    return 0


def export(options: argparse.Namespace) -> int:
    from provisioner.lock.export import forms

    print(forms.export(read_spec(options.spec), options.form, options.target, options.out), end="")
    return 0


def notebook(options: argparse.Namespace) -> int:
    from provisioner.commands.notebook import github, ipynb

    spec = read_spec(options.spec)
    path = Path(options.update or options.out or Path(spec.path).with_suffix(".ipynb"))
    place = github.locate(Path(spec.folder), options.repo)
    print(ipynb.produce(spec, path, place, update=bool(options.update), force=options.force))
    return 0


def facts(options: argparse.Namespace) -> int:
    from provisioner.engine import take_snapshot
    from provisioner.machine import files
    from provisioner.render import documents
    from provisioner.snapshots import snapshot

    text = documents.text(snapshot.document(take_snapshot.snapshot(options.spec)))
    if options.out:
        files.write(Write(path=os.path.abspath(options.out), text=text))
        print(f"Wrote {options.out}. Next: colabenv compare {options.out} with another's.")
    else:
        print(text, end="")
    return 0


def compare(options: argparse.Namespace) -> int:
    from provisioner.engine import take_snapshot
    from provisioner.render import documents, terminal
    from provisioner.render.comparison import render_comparison
    from provisioner.snapshots import compare as comparison

    found = comparison.compare(*take_snapshot.sides(options.first, options.second, options.own))
    if options.json:
        print(documents.text(comparison.document(found)), end="")
    else:
        paint = terminal.paint_for(sys.stdout)
        told = render_comparison(found, paint=paint, width=terminal.width(), verbose=options.verbose)
        print(told, end="")
    return PENDING if options.detailed_exitcode and found.groups else 0


def doctor(options: argparse.Namespace) -> int:
    from provisioner.commands.doctor import report

    print(report(frameworks=not options.no_frameworks, as_json=options.json), end="")
    return 0


def runtimes(options: argparse.Namespace) -> int:
    from provisioner.commands import runtimes as catalogue
    from provisioner.render import terminal

    look: dict[str, Any] = {
        "as_json": options.json,
        "paint": terminal.paint_for(sys.stdout),
        "width": terminal.width(),
    }
    if options.action == "diff":
        print(catalogue.comparison(options.old, options.new, options.about, **look), end="")
    else:
        print(catalogue.images(**look), end="")
    return 0


def schema(_options: argparse.Namespace) -> int:
    from provisioner.spec import schema as generator

    print(generator.text(), end="")
    return 0


def selection(options: argparse.Namespace) -> Selection:
    return Selection(tuple(options.only), tuple(options.skip))


def show_status(made: Plan) -> None:
    from provisioner.render import terminal, text

    print(text.render_status(made, paint=terminal.paint_for(sys.stdout), width=terminal.width()), end="")


def show_plan(made: Plan, *, verbose: bool) -> None:
    from provisioner.render import terminal, text

    print(
        text.render_plan(made, paint=terminal.paint_for(sys.stdout), width=terminal.width(), verbose=verbose)
    )


def conclude(report: Report, options: argparse.Namespace) -> int:
    """Print the report; its exit code."""
    if options.json:
        from provisioner.render import documents

        print(documents.text(documents.report_document(report)), end="")
    else:
        from provisioner.render import terminal, text

        print(
            text.render_report(report, paint=terminal.paint_for(sys.stdout), width=terminal.width()), end=""
        )
    if any(outcome.status is Status.INTERRUPTED for outcome in report.outcomes):
        return INTERRUPTED
    return 0 if report.ok else FAILED


def interrupt(_number: int, _frame: FrameType | None) -> Any:
    raise Interrupted("asked to stop")


def carry_out(options: argparse.Namespace) -> int:
    """Run the command that was asked for. What a user can cause ends in one message, never a traceback."""
    signal.signal(signal.SIGTERM, interrupt)
    try:
        code = COMMANDS[options.command](options)
        sys.stdout.flush()
    except SpecError as error:
        count = len(error.problems)
        print(error.message, file=sys.stderr)
        print(f"{count} problem{'s' * (count != 1)} in {error.filename}; nothing was done.", file=sys.stderr)
        return FAILED
    except (KeyboardInterrupt, Interrupted):
        print("Interrupted. Run it again to go on.", file=sys.stderr)
        return INTERRUPTED
    except ProvisionerError as error:
        print(f"error: {error.message}", file=sys.stderr)
        for line in error.hint.splitlines():
            print(f"  {line}", file=sys.stderr)
        return FAILED
    except OSError as error:
        return unwritten(error)
    return code


def unwritten(error: OSError) -> int:
    """End a command that could not write; without a word where a reader went away.

    Python would try again at exit to write what is left, and complain: so that goes nowhere.
    Raises every other error again.
    """
    if error.errno not in UNWRITABLE:
        raise error
    if error.errno != errno.EPIPE:
        print(f"error: cannot write: {error.strerror}", file=sys.stderr)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "init": init,
    "validate": validate,
    "plan": plan,
    "status": plan,
    "apply": apply,
    "verify": verify,
    "lock": lock,
    "export": export,
    "notebook": notebook,
    "facts": facts,
    "compare": compare,
    "doctor": doctor,
    "runtimes": runtimes,
    "schema": schema,
}
