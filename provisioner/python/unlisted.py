"""What a plan for a machine that is not here cannot know: its lists name versions, not what each needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from provisioner.python.closure import Walker
from provisioner.python.requirements import Wanted


def cautions(
    elsewhere: str, walker: Walker, wanted: Iterable[Wanted], moved: Mapping[str, str | None]
) -> Iterator[str]:
    """What is to be said of it for the plan's reader; nothing where the machine is here.

    `moved` maps what is on the machine and moves to its version afterwards.
    """
    if not elsewhere:
        return
    extras = {
        f"{each.name}[{','.join(sorted(each.requirement.extras))}]"
        for each in wanted
        if each.requirement.extras and walker.applies(each.requirement) and walker.installed.get(each.name)
    }
    if extras:
        yield f"What {', '.join(sorted(extras))} needs besides is known on {elsewhere} itself."
    if moving := [f"{name} {after}" for name, after in sorted(moved.items()) if after]:
        yield f"Whether the rest of {elsewhere} takes {', '.join(moving)} is not in its lists."
