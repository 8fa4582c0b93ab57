"""`colabenv runtimes`: Colab's images, and what differs between two of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE

if TYPE_CHECKING:
    from provisioner.api import ImageDifference
    from provisioner.commands.screen import Screen
    from provisioner.model.jsontypes import Json, JsonObject
    from provisioner.runtimes.images import Image

IMAGES_FORMAT = "provisioner.runtimes/1"
DIFFERENCE_FORMAT = "provisioner.runtimes-diff/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_json(parser)
    comparing = parser.add_subparsers(title="instead of the list", dest="action", metavar="COMMAND")
    text = "Show what changed from one image to another."
    diff = comparing.add_parser("diff", help=text, description=text, allow_abbrev=False)
    diff.add_argument("old", metavar="A", help="an image: colab-2026.07-gpu, or 2026.07-gpu")
    diff.add_argument("new", metavar="B", help="another image")
    diff.add_argument("about", metavar="SPEC", nargs="?", help="show only what affects this spec")
    # A default would undo a --json before `diff`.
    diff.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document"
    )


def run(options: argparse.Namespace, screen: Screen) -> int:
    screen.say(difference(options, screen) if options.action == "diff" else listing(options, screen))
    return DONE


def listing(options: argparse.Namespace, screen: Screen) -> str:
    """All images, oldest first."""
    from provisioner import api
    from provisioner.render import documents
    from provisioner.render.runtimes import render_images

    known = api.images()
    if options.json:
        return documents.text({"format": IMAGES_FORMAT, "images": [about(image) for image in known]})
    return render_images(known, paint=screen.paint, width=screen.width)


def about(image: Image) -> Json:
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
        "versions": dict(image.telling),
    }


def difference(options: argparse.Namespace, screen: Screen) -> str:
    """What changed from one image to another; with a spec, only what affects it."""
    from provisioner import api
    from provisioner.render import documents
    from provisioner.render.runtimes import render_difference

    found = api.image_difference(options.old, options.new, spec=options.about)
    if options.json:
        return documents.text(document(found, options.about))
    return render_difference(
        (found.old.name, found.new.name),
        found.changes,
        others=found.others,
        affected=options.about or "",
        unread=found.unread,
        paint=screen.paint,
        width=screen.width,
    )


def document(found: ImageDifference, spec: str | None) -> JsonObject:
    from provisioner.render import documents

    return {
        "format": DIFFERENCE_FORMAT,
        "from": found.old.name,
        "to": found.new.name,
        "spec": spec,
        "changes": documents.changes(found.changes),
        "others": found.others,
        "unread": list(found.unread),
    }
