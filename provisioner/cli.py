"""The command line: words to options. Light, so that `--help` and a typo cost nothing."""

from __future__ import annotations

import argparse
import sys
import time

from provisioner.version import __version__

DEFAULT_SPEC = "colabenv.yaml"

INTERRUPTED = 130
"""An exit code of `actions` too, which takes too long to import for a number."""

EPILOG = """\
exit codes: 0 done (for plan on this machine: whatever it found); 1 failed, blocked or invalid;
2 something drifted (status), or with --detailed-exitcode changes are pending
(plan) or machines differ (compare); 130 interrupted.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="colabenv",
        description="Make this machine what colabenv.yaml says, and prove it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(cell=None)
    parser.add_argument("--version", action="version", version=f"colab-provisioner {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, allow_abbrev=False)

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

    def planning(added: argparse.ArgumentParser, text: str = "show what is already right, too") -> None:
        added.add_argument("-v", "--verbose", action="store_true", help=text)

    def holding(added: argparse.ArgumentParser) -> None:
        added.add_argument(
            "--locked", action="store_true", help="exactly what the lock holds, or say why not"
        )

    def working(added: argparse.ArgumentParser) -> None:
        added.add_argument("--jobs", type=positive, default=None, metavar="N", help="steps at once")

    added = command("init", "Write a commented colabenv.yaml for this machine.")
    spec(added, "the file to write")
    added.add_argument("--force", action="store_true", help="overwrite what is there")

    spec(command("validate", "Say what is wrong with a spec, all at once, and change nothing."))

    added = command("plan", "Show what apply would do, and change nothing.")
    spec(added)
    selecting(added)
    planning(added)
    holding(added)
    added.add_argument("--out", metavar="FILE", help="keep the plan, for apply FILE")
    added.add_argument("--detailed-exitcode", action="store_true", help="exit 2 when changes are pending")
    added.add_argument(
        "--against", metavar="IMAGE", help="plan for an image of Colab's, like colab-2026.07-gpu"
    )

    added = command("status", "Show only what is not as the spec says; exit 2 when anything is.")
    spec(added)
    selecting(added)
    holding(added)
    added.set_defaults(out=None, against=None, detailed_exitcode=True, verbose=False)

    added = command("apply", "Make this machine what the spec says, and prove it.")
    spec(added, "the spec, or a plan that plan --out kept")
    selecting(added)
    planning(added)
    holding(added)
    working(added)
    added.add_argument("--dry-run", action="store_true", help="the same as plan")
    added.add_argument("--restart", action="store_true", help="restart the notebook's kernel if need be")
    added.add_argument("--events", metavar="FILE", help="append every event to a file, as lines of JSON")
    added.set_defaults(out=None, detailed_exitcode=False, against=None)

    added = command("verify", "Prove that this machine is what the spec says, and change nothing.")
    spec(added)
    selecting(added)
    holding(added)
    working(added)
    added.add_argument("--deep", action="store_true", help="read and hash contents, however large")

    added = command("lock", "Write down what the spec comes to, exactly, for the same machine next month.")
    spec(added)
    added.add_argument(
        "--for",
        dest="targets",
        type=names,
        default=(),
        metavar="NAME,...",
        help="images of Colab's, as runtimes lists them, or here (default: those in the lock, or else here)",
    )
    added.add_argument(
        "--upgrade",
        nargs="*",
        metavar="NAME",
        help="take the newest of these, or of everything, in place of what was locked",
    )
    added.add_argument(
        "--drop", type=names, default=(), metavar="NAME,...", help="take targets out of the lock"
    )
    added.add_argument("--check", action="store_true", help="only say whether the lock fits the spec")
    added.set_defaults(json=False, verbose=False, events=None)

    added = command("export", "Write the lock in the words of others: a pylock.toml, or a bill of materials.")
    added.add_argument("form", choices=("pylock", "sbom"), help="PEP 751 for pip and uv; CycloneDX in JSON")
    spec(added)
    added.add_argument("--target", metavar="NAME", help="one of several machines that the lock is for")
    added.add_argument("--out", metavar="FILE", help="write it to a file")

    added = command("notebook", "Write a notebook that applies the spec in its first cell.")
    spec(added)
    place = added.add_mutually_exclusive_group()
    place.add_argument("--out", metavar="FILE", help="the notebook to write (default: beside the spec)")
    place.add_argument("--update", metavar="FILE", help="the notebook to put the cell and metadata into")
    added.add_argument("--repo", metavar="OWNER/NAME", help="where on GitHub it is, if git does not say")
    added.add_argument("--force", action="store_true", help="overwrite what is there")

    added = command("facts", "Print what can be seen of this machine, as JSON.")
    spec(added)
    added.add_argument("--out", metavar="FILE", help="write it to a file, for compare")

    added = command("compare", "Show how two machines differ, the likeliest culprits first.")
    added.add_argument("first", metavar="FILE", help="what facts --out wrote on one machine")
    added.add_argument("second", metavar="OTHER", nargs="?", help="and on the other (default: this machine)")
    added.add_argument(
        "--spec", dest="own", default=DEFAULT_SPEC, help=f"this machine's spec (default: {DEFAULT_SPEC})"
    )
    planning(added, "show all that differs")
    added.add_argument("--json", action="store_true", help="print one JSON document")
    added.add_argument("--detailed-exitcode", action="store_true", help="exit 2 when anything differs")

    added = command("doctor", "Print what is attached, whether frameworks compute on it, and what is odd.")
    added.add_argument("--no-frameworks", action="store_true", help="look at the hardware alone")
    added.add_argument("--json", action="store_true", help="print one JSON document")

    added = command("runtimes", "List Colab's images, which are known offline, and what they came with.")
    added.add_argument("--json", action="store_true", help="print one JSON document")
    comparing = added.add_subparsers(title="instead of the list", dest="action", metavar="COMMAND")
    text = "Show what changed from one image to another."
    added = comparing.add_parser("diff", help=text, description=text, allow_abbrev=False)
    added.add_argument("old", metavar="A", help="an image: colab-2026.07-gpu, or 2026.07-gpu")
    added.add_argument("new", metavar="B", help="another")
    added.add_argument("about", metavar="SPEC", nargs="?", help="show only what matters to this spec")
    # The command's own default must not undo a --json that stands before `diff`.
    added.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document"
    )

    command("schema", "Print the JSON Schema of the spec, for editors.")
    return parser


def names(text: str) -> tuple[str, ...]:
    found = tuple(filter(None, (part.strip() for part in text.split(","))))
    if not found:
        raise argparse.ArgumentTypeError("must name at least one")
    return found


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code; usage errors leave as argparse does, with code 2."""
    try:
        return dispatch(argv)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED


def dispatch(argv: list[str] | None) -> int:
    """Say again what an apply concluded, or have the command carried out; its exit code."""
    began = time.monotonic()
    options = build_parser().parse_args(argv)
    if conclusion := recalled(options):
        return say(f"{conclusion} ({time.monotonic() - began:.2f} s)")
    from provisioner.commands.dispatch import carry_out

    return carry_out(options)


def say(text: str) -> int:
    """Print a text and be sure that it is out; the exit code of that."""
    try:
        print(text, flush=True)
    except OSError as error:
        from provisioner.commands.dispatch import unwritten

        return unwritten(error)
    return 0


def recalled(options: argparse.Namespace) -> str | None:
    """The conclusion of an apply that needs no more than to be said again."""
    if options.command != "apply" or options.dry_run or options.json or options.verbose or options.events:
        return None
    from provisioner.engine import noop_cache

    return noop_cache.recall(options.spec, tuple(options.only), tuple(options.skip), options.locked)
