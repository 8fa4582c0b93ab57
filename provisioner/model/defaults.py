"""Defaults for what the user leaves out."""

from __future__ import annotations

SPEC = "colabenv.yaml"
"""The spec, in the current folder."""
