"""Plans and reports as HTML: pure functions from values to one self-contained fragment.

No script, nothing loaded from the network. Signs and words say what colours say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from provisioner.model.accelerators import Accelerators
from provisioner.model.plan import Action, Change, Plan, Step
from provisioner.model.report import Outcome, Report, Status, Verdict
from provisioner.render.accelerator import DEVICE_HEAD, device_rows
from provisioner.render.markup import NOTHING, Markup, element, join, lines, row, table
from provisioner.render.stylesheet import SHEET
from provisioner.render.text import (
    ROLES,
    STATUS_WORDS,
    authority,
    counted,
    counts_of,
    format_seconds,
    more_dependencies,
    requirements,
    result_line,
    short,
    summary,
    title_against,
    transition,
)
from provisioner.render.timeline import timeline

WORDS = {
    Action.KEEP: "right",
    Action.CREATE: "add",
    Action.UPDATE: "change",
    Action.REMOVE: "remove",
    Action.BLOCKED: "blocked",
    Action.DEFERRED: "known later",
}
SIGNS = {"good": "✓", "bad": "✗", "change": "!", "faint": "="}
"""Shown beside the words, so that meaning does not depend on colour."""


def card(label: str, *content: str) -> Markup:
    """The frame around everything, with its own style sheet, so that a saved notebook keeps it."""
    style = element("style", Markup(SHEET))
    return join(style, element("section", *content, class_="colabenv", aria_label=label))


def word(role: str, text: str = "", sign: str = "") -> Markup:
    return element("span", f"{sign or SIGNS[role]} {text}".strip(), class_=f"word {role}")


def fold(heading: str, *content: str, opened: bool = False) -> Markup:
    """Details that a click opens; nothing when there is nothing inside."""
    inside = join(*content)
    return element("details", element("summary", heading), inside, open=opened) if inside else NOTHING


def render_plan(plan: Plan) -> str:
    """The diff, one fold for each kind; those with nothing to do are closed."""
    groups = groupby(plan.steps, key=lambda step: step.kind)
    kinds = [kind_fold(kind, tuple(steps)) for kind, steps in groups]
    title = element("p", element("strong", f"Plan: {summary(plan)}."), class_="title")
    aside = [element("p", line) for line in (title_against(plan), *plan.notes, requirements(plan)) if line]
    return card(f"Plan of {plan.name}", title, *aside, *kinds)


def kind_fold(kind: str, steps: tuple[Step, ...]) -> Markup:
    changes = [change for step in steps for change in step.changes]
    right = [change for change in changes if change.right]
    dependencies = [c for c in changes if c.transitive and c.action is Action.CREATE and not c.reason]
    rest = [change for change in changes if change not in right and change not in dependencies]
    warnings = [warning for step in steps for warning in step.warnings]
    return fold(
        join(element("strong", kind), f" {', '.join(counts_of(changes))}"),
        change_table(f"Changes of {kind}", kind, rest),
        fold(more_dependencies(len(dependencies)), change_table("Dependencies", kind, dependencies)),
        fold(f"{len(right)} already right", change_table("Already right", kind, right)),
        *(warn(warning) for warning in warnings),
        opened=bool(rest or dependencies or warnings),
    )


def change_table(caption: str, kind: str, changes: Sequence[Change]) -> Markup:
    rows = [change_row(change, kind) for change in changes]
    headings = ("What", "Does", "Version or state, and why")
    return table(caption, headings, rows, class_="quiet") if rows else NOTHING


def change_row(change: Change, kind: str) -> Markup:
    does = word(ROLES[change.action], WORDS[change.action], change.action.sign)
    moved = transition(change).replace(" -> ", " → ")
    state = element("code", moved) if moved else NOTHING
    why = element("div", lines(change.reason)) if change.reason else NOTHING
    return row(short(change.address, kind), does, join(state, why))


def warn(text: str) -> Markup:
    return element("p", word("change", "warning"), " ", lines(text))


def render_report(report: Report) -> str:
    """The result first, then what needs attention, then details in folds."""
    took = format_seconds(report.seconds) if report.seconds >= 1 else f"{report.seconds:.2f} s"
    restart: tuple[str, ...] = report.restart
    sign = word(("change" if restart else "good") if report.ok else "bad")
    title = element("p", sign, " ", element("strong", result_line(report)), f" ({took})", class_="title")
    return card(
        f"Report on {report.plan.name}",
        title,
        restart_call(report.restart),
        *problems(report),
        skipped_fold(report.outcomes),
        residual_call(report),
        *(warn(f"{step.id}: {text}") for step in report.plan.steps for text in step.warnings),
        device_table(report.accelerators),
        accelerator_table(report.verdicts),
        *checks(report.verdicts),
        *notes(report.outcomes),
        timeline(report),
        fingerprint_line(report.fingerprint),
        element("p", "Full log: ", element("code", report.log), class_="faint") if report.log else NOTHING,
    )


def fingerprint_line(fingerprint: str) -> Markup:
    line = element("p", "Fingerprint: ", element("code", fingerprint), class_="faint")
    return line if fingerprint else NOTHING


def restart_call(packages: tuple[str, ...]) -> Markup:
    """What to do when the kernel has imported packages that were replaced; else nothing."""
    if not packages:
        return NOTHING
    names = join(*(element("code", name) for name in packages), between=", ")
    heading = element("strong", word("change", "Restart needed"))
    return element(
        "div",
        element("p", heading, ": this kernel has imported what was replaced: ", names, "."),
        element(
            "p",
            "Choose Runtime > Restart session (in Jupyter: Kernel > Restart), and run this cell again.",
        ),
        class_="call",
        role="note",
    )


def problems(report: Report) -> Iterator[Markup]:
    """One call-out for each step that did not succeed: why, and what to do."""
    fine = (Status.KEPT, Status.DONE, Status.SKIPPED)
    for outcome in report.outcomes:
        if outcome.status not in fine:
            role, said = STATUS_WORDS[outcome.status]
            took = f" {format_seconds(outcome.seconds)}" if outcome.seconds else ""
            tries = f", {outcome.attempts} tries" if outcome.attempts > 1 else ""
            yield element(
                "div",
                element("p", word(role, said.lower()), " ", element("code", outcome.step), took + tries),
                element("p", lines(outcome.error)) if outcome.error else NOTHING,
                element("p", element("strong", lines(outcome.hint))) if outcome.hint else NOTHING,
                fold("Last output", element("pre", outcome.tail) if outcome.tail else NOTHING),
                class_="call bad",
                role="note",
            )


def skipped_fold(outcomes: tuple[Outcome, ...]) -> Markup:
    left = [outcome for outcome in outcomes if outcome.status is Status.SKIPPED]
    rows = [row(outcome.step, lines(outcome.error)) for outcome in left]
    return fold(
        join(word("change", f"{len(left)} skipped")),
        table("Skipped steps", ("Step", "Why"), rows) if rows else NOTHING,
        opened=True,
    )


def residual_call(report: Report) -> Markup:
    if not report.residual:
        return NOTHING
    what = f"still different from the {authority(report.plan)}"
    rows = change_table(what.capitalize(), "", report.residual)
    return element("div", element("p", word("bad", what)), rows, class_="call bad", role="note")


def device_table(found: Accelerators | None) -> Markup:
    """What is attached: name, memory, capability, driver."""
    rows = [row(name, *cells) for name, *cells in device_rows(found)] if found else []
    return table("Attached", DEVICE_HEAD, rows, class_="even") if rows else NOTHING


def accelerator_table(verdicts: tuple[Verdict, ...]) -> Markup:
    """What each framework computed on, from the data of its check."""
    seen = [verdict for verdict in verdicts if verdict.data.get("framework")]
    rows = [accelerator_row(verdict, verdict.data) for verdict in seen]
    headings = ("Framework", "Sees", "Computed", "Result")
    return table("Accelerator", headings, rows, class_="even") if rows else NOTHING


def accelerator_row(verdict: Verdict, data: dict[str, object]) -> Markup:
    capability = as_text(data.get("capability"))
    sees = (as_text(data.get("saw")) or "nothing") + (f" (capability {capability})" if capability else "")
    units = (("tflops", "TFLOPS"), ("bandwidth", "GB/s"))
    speeds = [f"{as_text(data[key])} {unit}" for key, unit in units if key in data]
    return row(
        f"{as_text(data.get('framework'))} {as_text(data.get('version'))}",
        sees,
        ", ".join(filter(None, (as_text(data.get("dtypes")), *speeds))) or "nothing",
        outcome_word(verdict),
    )


def as_text(value: object) -> str:
    """A value from a program, as text: the items of a list or the keys of a mapping, with commas."""
    if isinstance(value, (list, tuple, dict)):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def outcome_word(verdict: Verdict) -> Markup:
    if verdict.warning:
        return word("change", "warning")
    if not verdict.passed:
        return word("bad", "failed")
    return word("good", "verified before" if verdict.remembered else "verified")


def checks(verdicts: tuple[Verdict, ...]) -> Iterator[Markup]:
    """What failed, visible at once, and what passed, in a fold."""
    for verdict in verdicts:
        if not verdict.passed:
            yield element(
                "div",
                element("p", outcome_word(verdict), " ", element("code", verdict.address)),
                element("p", lines(verdict.message)) if verdict.message else NOTHING,
                element("p", element("strong", lines(verdict.hint))) if verdict.hint else NOTHING,
                class_="call" if verdict.warning else "call bad",
                role="note",
            )
    passed = [verdict for verdict in verdicts if verdict.passed]
    rows = [check_row(verdict) for verdict in passed]
    made = table("Checks that passed", ("Check", "Result", "Took", "Message"), rows) if rows else NOTHING
    yield fold(f"{counted(len(passed), 'check')} passed", made)


def check_row(verdict: Verdict) -> Markup:
    took = "" if verdict.remembered else format_seconds(verdict.seconds)
    return row(verdict.address, outcome_word(verdict), took, lines(verdict.message))


def notes(outcomes: tuple[Outcome, ...]) -> Iterator[Markup]:
    for outcome in outcomes:
        for note in outcome.notes:
            yield element("p", element("code", outcome.step), ": ", lines(note), class_="faint")
