"""The command line: arguments to calls to exit codes. It knows no kind and decides nothing."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner import __version__
from provisioner.errors import Interrupted, ProvisionerError, SpecError

if TYPE_CHECKING:
    from types import FrameType

    from provisioner.engine import Selection
    from provisioner.model import Plan, Report

DEFAULT_SPEC = "colabenv.yaml"
FAILED = 1
PENDING = 2
INTERRUPTED = 130

EPILOG = """\
exit codes: 0 done (for plan: whatever it found); 1 failed, blocked or invalid;
2 changes are pending (plan --detailed-exitcode); 130 interrupted.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="colabenv",
        description="Make this machine what colabenv.yaml says, and prove it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"colab-provisioner {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    def spec(added: argparse.ArgumentParser, text: str = "the spec") -> None:
        added.add_argument("spec", nargs="?", default=DEFAULT_SPEC, help=f"{text} (default: {DEFAULT_SPEC})")

    def selecting(added: argparse.ArgumentParser) -> None:
        for name, text in (("--only", "only these kinds or steps"), ("--skip", "all but these")):
            added.add_argument(
                name,
                action="extend",
                nargs="+",
                default=[],
                metavar="NAME",
                help=f"{text}: pip datasets.flowers",
            )
        added.add_argument("--json", action="store_true", help="print one JSON document")

    def planning(added: argparse.ArgumentParser) -> None:
        added.add_argument("-v", "--verbose", action="store_true", help="show what is already right, too")

    def working(added: argparse.ArgumentParser) -> None:
        added.add_argument("--jobs", type=positive, default=None, metavar="N", help="steps at once")

    added = command("init", init, "Write a commented colabenv.yaml for this machine.")
    spec(added, "the file to write")
    added.add_argument("--force", action="store_true", help="overwrite what is there")

    spec(command("validate", validate, "Say what is wrong with a spec, all at once, and change nothing."))

    added = command("plan", plan, "Show what apply would do, and change nothing.")
    spec(added)
    selecting(added)
    planning(added)
    added.add_argument("--out", metavar="FILE", help="keep the plan, for apply FILE")
    added.add_argument("--detailed-exitcode", action="store_true", help="exit 2 when changes are pending")

    added = command("apply", apply, "Make this machine what the spec says, and prove it.")
    spec(added, "the spec, or a plan that plan --out kept")
    selecting(added)
    planning(added)
    working(added)
    added.add_argument("--dry-run", action="store_true", help="the same as plan")
    added.add_argument("--events", metavar="FILE", help="append every event to a file, as lines of JSON")
    added.set_defaults(out=None, detailed_exitcode=False)

    added = command("verify", verify, "Prove that this machine is what the spec says, and change nothing.")
    spec(added)
    selecting(added)
    working(added)
    added.add_argument("--deep", action="store_true", help="read and hash contents, however large")

    added = command("facts", facts, "Print what can be seen of this machine, as JSON.")
    spec(added)

    command("schema", schema, "Print the JSON Schema of the spec, for editors.")
    return parser


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def init(options: argparse.Namespace) -> int:
    from provisioner.starter import write_starter

    path = write_starter(Path(options.spec), force=options.force)
    print(f"Wrote {path}. Next: edit it, then plan, then apply.")
    return 0


def validate(options: argparse.Namespace) -> int:
    from provisioner.engine import load

    spec = load(options.spec)
    print(f"{options.spec} is valid: {spec.name}, with {', '.join(spec.sections) or 'no sections'}.")
    return 0


def plan(options: argparse.Namespace) -> int:
    from provisioner import engine

    spec = engine.load(options.spec)
    made = engine.survey(spec, engine.connect(spec), selection(options))
    if options.out:
        from provisioner import codec

        Path(options.out).write_text(codec.text(codec.plan_document(made)))
    if options.json:
        from provisioner import codec

        print(codec.text(codec.plan_document(made)), end="")
    else:
        show_plan(made, verbose=options.verbose)
    return PENDING if options.detailed_exitcode and made.pending else 0


def apply(options: argparse.Namespace) -> int:
    if options.dry_run:
        return plan(options)
    from provisioner import engine
    from provisioner.render.narrator import Narrator

    saved = saved_plan(options.spec)
    spec = engine.load(saved.spec if saved else options.spec)
    chosen = engine.Selection(saved.only, saved.skip) if saved else selection(options)
    stream = sys.stderr if options.json else sys.stdout
    with Narrator(stream, verbose=options.verbose, events=options.events) as narrator:
        report = engine.provision(
            spec,
            selection=chosen,
            saved=saved,
            tell=narrator.tell,
            show=narrator.show,
            jobs=options.jobs or engine.JOBS,
        )
    return conclude(report, options)


def verify(options: argparse.Namespace) -> int:
    from provisioner import engine

    report = engine.verify(
        engine.load(options.spec),
        selection=selection(options),
        deep=options.deep,
        jobs=options.jobs or engine.JOBS,
    )
    return conclude(report, options)


def facts(options: argparse.Namespace) -> int:
    from provisioner import codec
    from provisioner.inventory import facts_document

    print(codec.text(facts_document(options.spec)), end="")
    return 0


def schema(_options: argparse.Namespace) -> int:
    from provisioner import schema as generator

    print(generator.text(), end="")
    return 0


def selection(options: argparse.Namespace) -> Selection:
    from provisioner.engine import Selection

    return Selection(tuple(options.only), tuple(options.skip))


def saved_plan(path: str) -> Plan | None:
    """The plan in a file that `plan --out` wrote, or None when the file is something else."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read() if file.read(1) == "{" else ""
    except (OSError, UnicodeDecodeError):
        return None
    if not text:
        return None
    from provisioner import codec

    return codec.plan_from("{" + text, path)


def show_plan(made: Plan, *, verbose: bool) -> None:
    from provisioner.render import style, text

    print(text.render_plan(made, paint=style.paint_for(sys.stdout), width=style.width(), verbose=verbose))


def conclude(report: Report, options: argparse.Namespace) -> int:
    """Print the report; its exit code."""
    from provisioner.model import Status

    if options.json:
        from provisioner import codec

        print(codec.text(codec.report_document(report)), end="")
    else:
        from provisioner.render import style, text

        print(text.render_report(report, paint=style.paint_for(sys.stdout), width=style.width()), end="")
    if any(outcome.status is Status.INTERRUPTED for outcome in report.outcomes):
        return INTERRUPTED
    return 0 if report.ok else FAILED


def interrupt(_number: int, _frame: FrameType | None) -> Any:
    raise Interrupted("asked to stop")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. What a user can cause ends in one message, no traceback."""
    options = build_parser().parse_args(argv)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        code: int = options.run(options)
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
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code
