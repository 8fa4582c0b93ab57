"""Programs that check that a framework computes on the device, in the interpreter that a spec is about.

    python tensorflow.py '{"device": "gpu"}'

They use only the standard library and their framework, because that interpreter may have nothing of ours, and
may be as old as Python 3.9. The last line of their output is JSON: `{"ok": bool, "message": str, "hint": str,
"data": {...}}`.

`probe` has what they share, `subprocess_runner` runs one, `failures` knows what frameworks say when they
fail, and the rest is one file for each framework.
"""
