"""Mistakes that users' type checkers find. A line that is no mistake any more fails as an unused comment."""

from __future__ import annotations

import provisioner

provisioner.no_such_name  # type: ignore[attr-defined]  # pyright: ignore
provisioner.plan("colabenv.yaml", "pip")  # type: ignore[call-arg]  # pyright: ignore
provisioner.plan(onyl="pip")  # type: ignore[call-arg]  # pyright: ignore
provisioner.apply(reporter=print)  # type: ignore[arg-type]  # pyright: ignore
provisioner.export("toml")  # type: ignore[arg-type]  # pyright: ignore
provisioner.plan().steps = ()  # type: ignore[misc]  # pyright: ignore
provisioner.load(3)  # type: ignore[arg-type]  # pyright: ignore
