"""Every command: the module that carries it out, and one line of help. `--help` imports nothing else.

A module has `add_arguments(parser)` and `run(options, screen)`, which returns an exit code. It may have
`answer(options)`, which gives what is known without running the command, or None.
"""

from __future__ import annotations

COMMANDS = {
    "init": ("init", "Write a commented colabenv.yaml for this machine."),
    "validate": ("validate", "Check a spec and report every problem; change nothing."),
    "plan": ("plan", "Show what apply would change; change nothing."),
    "status": ("status", "Show what differs from the spec; exit with 2 if anything does."),
    "apply": ("apply", "Make this machine match the spec, and verify it."),
    "verify": ("verify", "Verify that this machine matches the spec; change nothing."),
    "lock": ("lock", "Lock the exact versions and hashes that the spec resolves to."),
    "export": ("export", "Write the lock as a pylock.toml or as a bill of materials."),
    "notebook": ("notebook.command", "Write a notebook that applies the spec in its first cell."),
    "facts": ("facts", "Print what can be seen of this machine, as JSON."),
    "compare": ("compare", "Show how two machines differ, the most likely causes first."),
    "doctor": ("doctor", "Check the accelerators, and the frameworks that use them."),
    "runtimes": ("runtimes", "List Colab's images and what they contain; works offline."),
    "schema": ("schema", "Print the JSON Schema of the spec, for editors."),
}
