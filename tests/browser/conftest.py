"""Chromium, and what can be asked of a page that shows a card."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    not CHROMIUM and "CI" not in os.environ, reason="there is no chromium; scripts/test installs it"
)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

CONTRASTS = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.querySelector('.colabenv'), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), holder = walker.currentNode.parentElement;
    if (!text) continue;
    const [one, other] = [light(parse(getComputedStyle(holder).color)), light(ground(holder))];
    found.push([text, (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)]);
  }
  return found;
}"""

FOREIGN = """() => {
  const looks = (all, property) => [...new Set([...document.querySelectorAll(all)]
    .map(each => getComputedStyle(each)[property]))];
  return {
    alignment: looks('.colabenv :is(th, td)', 'textAlign'),
    grounds: looks('.colabenv :is(thead, tr, th, td, code)', 'backgroundColor'),
    weights: looks('.colabenv tbody th', 'fontWeight'),
    summaries: looks('.colabenv summary', 'display'),
    lines: looks('.colabenv thead', 'borderBottomWidth'),
  };
}"""
"""How tables and code look that many a page has rules of its own for."""

OUR_OWN = {
    "alignment": ["left"],
    "grounds": ["rgba(0, 0, 0, 0)"],
    "weights": ["400"],
    "summaries": ["list-item"],
    "lines": ["0px"],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


def ground(page: Page) -> str:
    """The card's colour, as the sheet writes it."""
    found: str = page.evaluate("getComputedStyle(document.querySelector('.colabenv')).backgroundColor")
    red, green, blue = (int(part) for part in found.removeprefix("rgb(").removesuffix(")").split(","))
    return f"#{red:02x}{green:02x}{blue:02x}"
