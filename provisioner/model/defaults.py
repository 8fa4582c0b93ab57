"""Names that stand for what a person leaves out."""

from __future__ import annotations

SPEC = "colabenv.yaml"
"""The spec, in the current folder."""
