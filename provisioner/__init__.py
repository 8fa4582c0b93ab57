"""Declarative environments for Google Colab and its like: one file, one cell.

The names in `__all__` are the public interface. They are imported when they are first asked for, since the
command line imports this package too, and a no-op apply has no use for them.
"""

from __future__ import annotations

from provisioner.version import __version__

TYPE_CHECKING = False  # without `typing`, which a no-op has no use for
if TYPE_CHECKING:
    from provisioner.api import (
        ImageDifference,
        NotDone,
        apply,
        apply_plan,
        check_lock,
        compare,
        drop_targets,
        examine,
        export,
        image_difference,
        images,
        load,
        load_plan,
        load_snapshot,
        parse,
        plan,
        progress,
        save_plan,
        save_snapshot,
        snapshot,
        verify,
        write_lock,
    )
    from provisioner.engine.examine import MachineExamination
    from provisioner.lock.document import Lock
    from provisioner.lock.update import LockUpdate
    from provisioner.model.errors import (
        EffectError,
        Interrupted,
        LockError,
        ObserveError,
        PlanMovedError,
        PluginError,
        Problem,
        ProvisionerError,
        SpecError,
        TransientError,
    )
    from provisioner.model.plan import Action, Change, Check, Plan, Step
    from provisioner.model.report import Event, Outcome, Report, Reporter, Status, Verdict
    from provisioner.notebook.magics import load_ipython_extension
    from provisioner.runtimes.images import Image
    from provisioner.snapshots.compare import Comparison
    from provisioner.snapshots.snapshot import Snapshot
    from provisioner.spec.spec import Spec

__all__ = [
    "Action",
    "Change",
    "Check",
    "Comparison",
    "EffectError",
    "Event",
    "Image",
    "ImageDifference",
    "Interrupted",
    "Lock",
    "LockError",
    "LockUpdate",
    "MachineExamination",
    "NotDone",
    "ObserveError",
    "Outcome",
    "Plan",
    "PlanMovedError",
    "PluginError",
    "Problem",
    "ProvisionerError",
    "Report",
    "Reporter",
    "Snapshot",
    "Spec",
    "SpecError",
    "Status",
    "Step",
    "TransientError",
    "Verdict",
    "__version__",
    "apply",
    "apply_plan",
    "check_lock",
    "compare",
    "drop_targets",
    "examine",
    "export",
    "image_difference",
    "images",
    "load",
    "load_ipython_extension",
    "load_plan",
    "load_snapshot",
    "parse",
    "plan",
    "progress",
    "save_plan",
    "save_snapshot",
    "snapshot",
    "verify",
    "write_lock",
]

_HOMES = {
    "engine.examine": "MachineExamination",
    "lock.document": "Lock",
    "lock.update": "LockUpdate",
    "model.errors": "EffectError Interrupted LockError ObserveError PlanMovedError PluginError Problem "
    "ProvisionerError SpecError TransientError",
    "model.plan": "Action Change Check Plan Step",
    "model.report": "Event Outcome Report Reporter Status Verdict",
    "notebook.magics": "load_ipython_extension",
    "runtimes.images": "Image",
    "snapshots.compare": "Comparison",
    "snapshots.snapshot": "Snapshot",
    "spec.spec": "Spec",
}
"""The modules that public names come from, but for those of `api`."""

if not TYPE_CHECKING:  # or any name would do for a type checker

    def __getattr__(name: str) -> object:
        """A public name, from the module that it is defined in."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        home = next((module for module, names in _HOMES.items() if name in names.split()), "api")
        return getattr(import_module(f"{__name__}.{home}"), name)

    def __dir__() -> list[str]:
        """What an interactive shell completes."""
        return sorted({*globals(), *__all__})
