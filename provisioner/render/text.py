"""Plans and reports as text: pure functions, the same on a terminal, through `!` and in a CI log."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from provisioner.model.plan import Action, Change, Plan, Step, fingerprint
from provisioner.model.report import Outcome, Report, Status, Verdict
from provisioner.model.units import format_size
from provisioner.render.accelerator import render_table
from provisioner.render.terminal import DEFAULT_WIDTH, Paint, plain

ROLES = {
    Action.KEEP: "faint",
    Action.CREATE: "add",
    Action.UPDATE: "change",
    Action.REMOVE: "remove",
    Action.BLOCKED: "bad",
    Action.DEFERRED: "change",
}
VERBS = (
    (Action.CREATE, "to add"),
    (Action.UPDATE, "to change"),
    (Action.REMOVE, "to remove"),
    (Action.DEFERRED, "known later"),
    (Action.BLOCKED, "blocked"),
    (Action.KEEP, "already right"),
)
STATUS_WORDS = {
    Status.DONE: ("good", "done"),
    Status.FAILED: ("bad", "FAILED"),
    Status.BLOCKED: ("bad", "BLOCKED"),
    Status.SKIPPED: ("change", "skipped"),
    Status.INTERRUPTED: ("bad", "interrupted"),
    Status.KEPT: ("faint", "already right"),
}
SLOWEST = 5
"""How many steps the report names with their seconds."""


def render_plan(
    plan: Plan, *, paint: Paint = plain, width: int = DEFAULT_WIDTH, verbose: bool = False
) -> str:
    """The diff, grouped by kind, and a summary. `verbose` shows what is already right, too."""
    lines = [paint("strong", heading), ""] if (heading := title_against(plan)) else []
    for note in plan.notes:
        lines += wrapped(note, width, paint, "strong", "")
    lines += [""] if plan.notes else []
    for kind, group in groupby(plan.steps, key=lambda step: step.kind):
        lines += kind_lines(kind, list(group), paint, width, verbose)
    lines += [] if verbose else left_out_lines(plan, paint, width)
    sums = filter(None, [f"Plan: {summary(plan)}.", requirements(plan)])
    return "\n".join([*lines, "", *sums]) + "\n"


def title_against(plan: Plan) -> str:
    return f"Against {plan.against.image}, not this machine:" if plan.against else ""


def requirements(plan: Plan) -> str:
    """ "41 requirements, 37 already met, 4 to install, 310 MB; numpy would change from 2.0.2: blocked." """
    if not (against := plan.against) or not against.asked:
        return ""
    changing = against.asked - against.met - against.missing
    counts = ((against.missing, "to install"), (changing, "to change"))
    parts = [counted(against.asked, "requirement"), f"{against.met} already met"]
    parts += [f"{count} {words}" for count, words in counts if count]
    steps = [step for step in plan.steps if step.kind == against.kind]
    if download := sum(step.download for step in steps):
        parts.append(format_size(download))
    changes = (change for step in steps for change in step.changes)
    blocked = [blocked_change(change, against.kind) for change in changes if change.action is Action.BLOCKED]
    return "; ".join([", ".join(parts), *blocked]) + "."


def blocked_change(change: Change, kind: str) -> str:
    how = f" would change from {change.before}" if change.before and change.after else ""
    return f"{short(change.address, kind)}{how}: blocked"


def render_status(plan: Plan, *, paint: Paint = plain, width: int = DEFAULT_WIDTH) -> str:
    """Only what differs from the file, a line each, and the fingerprint."""
    adrift = [change for change in plan.changes if change.action is not Action.KEEP]
    column = min(max((len(change.address) for change in adrift), default=0), 40)
    lines = [line for change in adrift for line in change_lines(change, change.address, column, paint, width)]
    verdict = paint("bad", "Drift:") if adrift else paint("good", "No drift:")
    return "\n".join([*lines, f"{verdict} {summary(plan)}.", *identity_lines(plan, paint, width)]) + "\n"


def identity_lines(plan: Plan, paint: Paint, width: int) -> Iterator[str]:
    """The fingerprint, or why there is none; nothing for a part of a spec, which never has one."""
    unknown = [address for address, value in plan.named if value is None]
    if unknown and not (plan.only or plan.skip):
        why = f"Fingerprint: none, since {', '.join(unknown)} could not be determined."
        yield from wrapped(why, width, paint, "faint", "")
    yield from fingerprint_lines(fingerprint(plan), paint)


def kind_lines(kind: str, steps: list[Step], paint: Paint, width: int, verbose: bool) -> Iterator[str]:
    changes = [change for step in steps for change in step.changes]
    shown = [change for change in changes if verbose or change.action is not Action.KEEP]
    quiet = ", ".join(counts_of(change for change in changes if change.action is Action.KEEP))
    heading = paint("strong", kind)
    yield f"{heading}  {paint('faint', quiet)}" if quiet else heading
    dependencies = [
        c for c in shown if c.transitive and c.action is Action.CREATE and not c.reason and not verbose
    ]
    names = {change: short(change.address, kind) for change in shown if change not in dependencies}
    column = min(max(map(len, names.values()), default=0), 40)
    for change, name in names.items():
        yield from change_lines(change, name, column, paint, width)
    yield from dependency_lines(dependencies, kind, paint, width)
    for step in steps:
        for warning in step.warnings:
            yield from wrapped("warning: " + warning, width, paint, "change", "    ")


def left_out_lines(plan: Plan, paint: Paint, width: int) -> Iterator[str]:
    """What is left out, and why, a paragraph for each reason."""
    reasons: dict[str, list[str]] = {}
    for change in plan.changes:
        if change.left_out:
            reasons.setdefault(change.reason, []).append(change.address)
    for reason, addresses in reasons.items():
        yield from wrapped(f"Left out: {', '.join(addresses)}: {reason}.", width, paint, "faint", "")


def part_lines(steps: tuple[Step, ...]) -> Iterator[str]:
    """The part of a plan that was decided on the way: its changes and warnings, without a heading."""
    for kind, group in groupby(steps, key=lambda step: step.kind):
        _, *lines = kind_lines(kind, list(group), plain, DEFAULT_WIDTH, verbose=False)
        yield from lines or ["  nothing to do"]


def dependency_lines(changes: list[Change], kind: str, paint: Paint, width: int) -> Iterator[str]:
    """Dependencies that are added, close together; `verbose` gives each a line."""
    if changes:
        listed = ", ".join(f"{short(change.address, kind)}\u00a0{change.after}" for change in changes)
        yield f"  {paint('add', '+')} {more_dependencies(len(changes))}:"
        for line in wrapped(listed, width, paint, "faint", "      "):
            yield line.replace("\u00a0", " ")


def more_dependencies(number: int) -> str:
    return f"{number} more {'dependency' if number == 1 else 'dependencies'}"


def short(address: str, kind: str) -> str:
    return address.removeprefix(kind + ".")


def change_lines(change: Change, name: str, column: int, paint: Paint, width: int) -> Iterator[str]:
    """The change, with its reason beside it if there is room, else below.

    Where both versions are too long for one line, each gets its own.
    """
    role = ROLES[change.action]
    start = f"{change.action.sign} {name:{column}}  "
    first, *below = [f"{start}{transition(change)}".rstrip()]
    if 2 + len(first) > width and len(both := sides(change)) == 2:
        first = f"{start}{both[0]} ->"
        below = [" " * max(6, min(2 + len(start), width - len(both[1]))) + both[1]]
    tone = "bad" if role == "bad" else "faint"
    shown = "  " + paint(role, first[0]) + first[1:]
    if (
        not below
        and change.reason
        and "\n" not in change.reason
        and 4 + len(first) + len(change.reason) <= width
    ):
        yield f"{shown}  {paint(tone, change.reason)}"
        return
    yield from (shown, *below)
    if change.reason:
        yield from wrapped(change.reason, width, paint, tone, "      ")


def transition(change: Change) -> str:
    """`1.0 -> 2.0`, or the only side there is."""
    return " -> ".join(sides(change))


def sides(change: Change) -> tuple[str, ...]:
    """What it was and what it will be, or the only one of them there is."""
    if change.action is not Action.KEEP and change.before and change.after:
        return change.before, change.after
    return ((change.before if change.action in (Action.KEEP, Action.REMOVE) else change.after) or "",)


def wrapped(text: str, width: int, paint: Paint, role: str, indent: str) -> Iterator[str]:
    """Long text in lines; line breaks that the text has are kept, since they may be commands to paste."""
    for part in text.splitlines():
        body = textwrap.wrap(
            part, width - len(indent), break_long_words=False, break_on_hyphens=False, drop_whitespace=True
        )
        for line in body or [""]:
            yield (indent + paint(role, line)).rstrip()


def summary(plan: Plan) -> str:
    """ "5 to add, 1 to change, 37 already right, 214 MB to download"."""
    parts = [*counts_of(plan.changes)]
    if plan.download:
        parts.append(f"{format_size(plan.download)} to download")
    return ", ".join(parts) or "nothing in the file"


def counts_of(changes: Iterable[Change]) -> Iterator[str]:
    """How many changes there are of each action, in words; what is left out is not right."""
    counted = Counter(None if change.left_out else change.action for change in changes)
    yield from (f"{counted[action]} {words}" for action, words in VERBS if counted[action])
    if counted[None]:
        yield f"{counted[None]} left out"


def format_seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def render_report(report: Report, *, paint: Paint = plain, width: int = DEFAULT_WIDTH) -> str:
    """What went wrong and how to fix it, what was verified, and what took how long.

    Steps that simply succeeded were shown as they ran.
    """
    lines: list[str] = []
    for outcome in report.outcomes:
        if outcome.notes or outcome.status not in (Status.KEPT, Status.DONE, Status.SKIPPED):
            lines += outcome_lines(outcome, paint, width)
    lines += skipped_lines(report.outcomes, paint, width)
    lines += residual_lines(report, paint, width)
    lines += left_out_lines(report.plan, paint, width)
    lines += warning_lines(report, paint, width)
    for verdict in report.verdicts:
        if not verdict.remembered:
            lines += verdict_lines(verdict, paint, width)
    if report.accelerators and any((report.accelerators.gpus, report.accelerators.tpu)):
        lines += render_table(report.accelerators, report.verdicts, paint=paint)
    lines += restart_lines(report, paint, width)
    lines += timing_lines(report, paint)
    if report.log:
        lines.append(f"Full log: {report.log}")
    lines += fingerprint_lines(report.fingerprint, paint)
    role = "good" if report.ok else "bad"
    took = format_seconds(report.seconds) if report.seconds >= 1 else f"{report.seconds:.2f} s"
    return "\n".join([*lines, paint(role, f"{result_line(report)} ({took})")]) + "\n"


def outcome_lines(outcome: Outcome, paint: Paint, width: int) -> Iterator[str]:
    role, word = STATUS_WORDS[outcome.status]
    took = f"  {format_seconds(outcome.seconds)}" if outcome.seconds else ""
    tries = f", {outcome.attempts} tries" if outcome.attempts > 1 else ""
    yield f"{paint(role, f'{word:12}')}{paint('strong', outcome.step)}{took}{tries}"
    if outcome.error:
        yield from wrapped(outcome.error, width, paint, "faint", "    ")
    for line in outcome.tail.splitlines():
        yield f"    {paint('faint', '| ' + line)}"
    yield from wrapped(outcome.hint, width, paint, "strong", "    ")
    for note in outcome.notes:
        yield from wrapped(note, width, paint, "faint", "    ")


def skipped_lines(outcomes: tuple[Outcome, ...], paint: Paint, width: int) -> Iterator[str]:
    """What was skipped, once for each cause: the cause itself is reported above."""
    role, word = STATUS_WORDS[Status.SKIPPED]
    causes: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.status is Status.SKIPPED:
            causes.setdefault(outcome.error, []).append(outcome.step)
    for cause, steps in causes.items():
        first, *rest = wrapped(", ".join(steps), width, plain, "", " " * 12)
        yield paint(role, f"{word:12}") + first.lstrip()
        yield from rest
        yield from wrapped(cause, width, paint, "faint", "    ")


def residual_lines(report: Report, paint: Paint, width: int) -> Iterator[str]:
    if report.residual:
        yield paint("bad", f"Still different from the {authority(report.plan)}:")
    for change in report.residual:
        yield from change_lines(change, change.address, 0, paint, width)


def authority(plan: Plan) -> str:
    """What the machine must match."""
    return "lock" if plan.lock else "file"


def warning_lines(report: Report, paint: Paint, width: int) -> Iterator[str]:
    for step in report.plan.steps:
        for warning in step.warnings:
            yield from wrapped(f"warning: {step.id}: {warning}", width, paint, "change", "")


def verdict_lines(verdict: Verdict, paint: Paint, width: int) -> Iterator[str]:
    role, word = ("good", "verified") if verdict.passed else ("bad", "FAILED")
    if verdict.warning:
        role, word = "change", "warning"
    yield f"{paint(role, f'{word:12}')}{verdict.address}  {format_seconds(verdict.seconds)}"
    yield from wrapped(verdict.message, width, paint, "faint", "    ")
    if not verdict.passed:
        yield from wrapped(verdict.hint, width, paint, "strong", "    ")


def timing_lines(report: Report, paint: Paint) -> Iterator[str]:
    timed = [(o.seconds, o.step) for o in report.outcomes if o.status is not Status.KEPT and o.seconds]
    timed += [(v.seconds, v.address) for v in report.verdicts if v.seconds]
    slowest = [(seconds, name) for seconds, name in sorted(timed, reverse=True)[:SLOWEST] if seconds >= 0.05]
    if len(slowest) > 1:
        names = ", ".join(f"{name} {format_seconds(seconds)}" for seconds, name in slowest)
        yield paint("faint", f"Slowest: {names}.")


def restart_lines(report: Report, paint: Paint, width: int) -> Iterator[str]:
    """What the notebook's kernel has imported in a version that is no longer installed."""
    if report.restart:
        yield paint("change", f"{'RESTART':12}") + paint("strong", ", ".join(report.restart))
        advice = "The notebook's kernel still uses the versions that were installed before. Restart it (on "
        advice += "Colab: Runtime > Restart session), and run this again."
        yield from wrapped(advice, width, paint, "faint", "    ")


def render_no_op(report: Report) -> str:
    """A report of nothing to do, without its time: what a later no-op apply prints again."""
    told = [
        *left_out_lines(report.plan, plain, DEFAULT_WIDTH),
        *warning_lines(report, plain, DEFAULT_WIDTH),
    ]
    return "\n".join([*told, *fingerprint_lines(report.fingerprint, plain), result_line(report)])


def fingerprint_lines(found: str, paint: Paint) -> Iterator[str]:
    """The fingerprint: equal on machines that are equal in everything the file names."""
    if found:
        yield f"{paint('faint', 'Fingerprint:')} {found}"


def result_line(report: Report) -> str:
    """The last line, which sums the report up."""
    steps = {outcome.step: outcome.status for outcome in report.outcomes}
    changed = sum(
        change.action is not Action.KEEP
        for step in report.plan.steps
        if steps.get(step.id) is Status.DONE
        for change in step.changes
    )
    right = sum(change.right for change in report.plan.changes)
    absent = sum(change.left_out for change in report.plan.changes)
    passed = sum(verdict.passed for verdict in report.verdicts)
    earlier = sum(verdict.remembered for verdict in report.verdicts)
    if report.ok:
        checks = f", {counted(passed, 'check')} passed" if passed else ""
        if earlier and earlier == passed:
            checks = f", {counted(passed, 'check')} passed before in this state"
        counts = f"{right} already right" + (f", {absent} left out" if absent else "")
        done = f"{changed} changed, {counts}" if changed else f"Nothing to do: {counts}"
        restart = " for the next kernel; this one needs a restart" if report.restart else ""
        every = "Every other part" if absent else "Every part"
        return f"{done}{checks}. {every} is verified{restart}."
    bad = (Status.FAILED, Status.BLOCKED, Status.SKIPPED, Status.INTERRUPTED)
    totals = [(sum(s is status for s in steps.values()), STATUS_WORDS[status][1].lower()) for status in bad]
    parts = [f"{count} {word}" for count, word in totals if count]
    if report.residual:
        parts.append(f"{len(report.residual)} still different from the {authority(report.plan)}")
    wrong = sum(not verdict.passed and not verdict.warning for verdict in report.verdicts)
    if wrong:
        parts.append(f"{wrong} of {counted(len(report.verdicts), 'check')} failed")
    elif report.plan.checks and not report.verdicts:
        parts.append(f"{counted(len(report.plan.checks), 'check')} not run")
    return f"Not done: {', '.join(parts)}; {changed} changed, {right} already right."
