"""What ran when, and in which lane, as a table with bars. Without style, the numbers say the same."""

from __future__ import annotations

from provisioner.model.report import Outcome, Report, Status
from provisioner.render.markup import NOTHING, Markup, element, row, table
from provisioner.render.text import STATUS_WORDS, counted, format_seconds


def timeline(report: Report) -> Markup:
    """A table of the steps that ran, those of one lane together; nothing when none did."""
    lanes = {step.id: step.lane for step in report.plan.steps}
    ran = [outcome for outcome in report.outcomes if outcome.seconds > 0]
    if not ran:
        return NOTHING
    end = max(outcome.started + outcome.seconds for outcome in ran)
    begins: dict[str, float] = {}
    for outcome in sorted(ran, key=lambda each: each.started):
        begins.setdefault(lanes.get(outcome.step) or outcome.step, outcome.started)

    def place(outcome: Outcome) -> tuple[float, str, float]:
        lane = lanes.get(outcome.step) or outcome.step
        return begins[lane], lane, outcome.started

    rows = [line(outcome, lanes.get(outcome.step, ""), end) for outcome in sorted(ran, key=place)]
    words = f"Timeline: {counted(len(ran), 'step')} in {format_seconds(end)}"
    return element(
        "details",
        element("summary", words),
        table(
            "Steps of one lane never overlap; a step without a lane has one of its own.",
            ("Step", "Lane", "When", "Bar"),
            rows,
            class_="lanes",
        ),
    )


def line(outcome: Outcome, lane: str, end: float) -> Markup:
    before, length = 100 * outcome.started / end, 100 * outcome.seconds / end
    failed = outcome.status is not Status.DONE
    bar = element(
        "span",
        style=f"margin-left:{min(before, 99):.1f}%;width:{max(length, 0.5):.1f}%",
        class_="failed" if failed else False,
    )
    when = f"{format_seconds(outcome.started)} + {format_seconds(outcome.seconds)}"
    if failed:
        when += f", {STATUS_WORDS[outcome.status][1].lower()}"
    return row(
        outcome.step,
        lane or "own",
        when,
        element("td", element("div", bar, aria_hidden="true"), class_="track"),
    )
