"""What the command `runtimes` prints: Colab's images, and what differs between two of them."""

from __future__ import annotations

from typing import Any

from provisioner.commands.relevance import Relevance, relevance
from provisioner.model.plan import Change
from provisioner.render import documents
from provisioner.render.runtimes import render_difference, render_images
from provisioner.render.terminal import Paint
from provisioner.runtimes import images as runtimes
from provisioner.runtimes.difference import difference, relevant
from provisioner.runtimes.images import Image
from provisioner.spec.spec import load

IMAGES_FORMAT = "provisioner.runtimes/1"
DIFFERENCE_FORMAT = "provisioner.runtimes-diff/1"


def images(*, as_json: bool, paint: Paint, width: int) -> str:
    """All images, oldest first."""
    known = [runtimes.load(name) for name in runtimes.names()]
    if as_json:
        return documents.text({"format": IMAGES_FORMAT, "images": [about(image) for image in known]})
    return render_images(known, paint=paint, width=width)


def about(image: Image) -> dict[str, Any]:
    return {
        "name": image.name,
        "runtime": image.runtime,
        "image": image.image,
        "commit": image.commit,
        "date": image.date,
        "os": image.os,
        "python": image.python,
        "pip": len(image.pip),
        "apt": len(image.apt),
        "versions": image.telling,
    }


def comparison(old: str, new: str, path: str | None, *, as_json: bool, paint: Paint, width: int) -> str:
    """What changed from one image to another; with the path of a spec, only what matters to it.

    Raises ProvisionerError when an image is not known or the spec cannot be used.
    """
    before, after = runtimes.load(old), runtimes.load(new)
    found = difference(before, after)
    about_spec = relevance(load(path)) if path else Relevance(())
    shown = relevant(before, after, about_spec.concerns) if path else found
    names, others = (before.name, after.name), len(found) - len(shown)
    if as_json:
        return documents.text(document(names, shown, others, path, about_spec))
    return render_difference(
        names, shown, others=others, concerning=path or "", unread=about_spec.unread, paint=paint, width=width
    )


def document(
    names: tuple[str, str], shown: tuple[Change, ...], others: int, path: str | None, about_spec: Relevance
) -> dict[str, Any]:
    return {
        "format": DIFFERENCE_FORMAT,
        "from": names[0],
        "to": names[1],
        "spec": path,
        "changes": documents.changes(shown),
        "others": others,
        "unread": list(about_spec.unread),
    }
