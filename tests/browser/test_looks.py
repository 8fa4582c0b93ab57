"""The HTML in Chromium: light and dark, narrow and wide, as a page of its own and as notebooks' pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from provisioner.render import html, live_html
from provisioner.render.stylesheet import DARK, LIGHT
from tests import looks
from tests.browser.conftest import CONTRASTS, FOREIGN, OUR_OWN, ground, needs_chromium
from tests.clock import PATIENCE

pytestmark = needs_chromium

WIDTHS = {"narrow": 400, "wide": 1000}
SCHEMES = ("light", "dark")
IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"

PAGES = {
    "plan": html.render_plan(looks.PLAN),
    "live": live_html.render_live(looks.LIVE_VIEW, 19.0),
    "report": html.render_report(replace(looks.DONE, restart=("numpy", "pandas"))),
    "failed": html.render_report(looks.FAILED),
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page()
    made.set_default_timeout(1000 * PATIENCE)
    yield made
    made.close()


def show(
    page: Page, fragment: str, *, scheme: str = "light", width: int = 1000, around: str = "<body>"
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_content(f"<!doctype html>{around}{fragment}")


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_run_and_nothing_is_asked_of_the_network(page: Page, name: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show(page, PAGES[name])
    open_all(page)
    page.wait_for_load_state("networkidle")
    assert asked == []
    active = "script, link, iframe, object, embed, img, [src], [href], [onclick], [onload], [onerror]"
    assert page.locator(active).count() == 0


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_every_text_stands_out_from_its_ground(page: Page, name: str, scheme: str) -> None:
    show(page, PAGES[name], scheme=scheme)
    open_all(page)
    assert ground(page) == {"light": LIGHT, "dark": DARK}[scheme]["ground"]
    found: list[tuple[str, float]] = page.evaluate(CONTRASTS)
    assert len(found) > 5
    assert [each for each in found if each[1] < 4.5] == []


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_over_the_edge(page: Page, name: str, width: int) -> None:
    show(page, PAGES[name], width=width)
    open_all(page)
    over = page.evaluate(
        """width => [...document.querySelectorAll('.colabenv, .colabenv *')]
            .filter(each => each.getBoundingClientRect().right > width || each.scrollWidth > width)
            .map(each => each.outerHTML.slice(0, 80))""",
        width,
    )
    assert over == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("system", SCHEMES)
@pytest.mark.parametrize(
    ("around", "colours"),
    [
        ("<body data-jp-theme-light='true'>", LIGHT),
        ("<body data-jp-theme-light='false'>", DARK),
        ("<html theme=light><body>", LIGHT),
        ("<html theme=dark><body>", DARK),
        ("<body class=vscode-light>", LIGHT),
        ("<body class=vscode-dark>", DARK),
    ],
)
def test_the_notebooks_own_theme_wins_over_the_systems(
    page: Page, around: str, colours: dict[str, str], system: str
) -> None:
    show(page, PAGES["report"], scheme=system, around=around)
    assert ground(page) == colours["ground"]


OPINIONATED = """<style>
  .host .page:not(.other) :is(td, th, tr) { text-align: right; font-weight: bold; }
  .host .page tbody tr:nth-child(n) { background: #ddeeff; }
  .host .page :not(pre) > code { background: #ffeedd; }
  .host .page thead { border-bottom: 3px solid red; }
  .host .page summary { display: block; }
</style><body class=host><div class=page>"""
"""A page with rules for all tables and code, which weigh as much as those of JupyterLab and nbconvert."""


@pytest.mark.parametrize("name", ["plan", "live"])
def test_the_pages_own_rules_do_not_reach_into_the_card(page: Page, name: str) -> None:
    show(page, PAGES[name], around=OPINIONATED)
    open_all(page)
    assert page.evaluate(FOREIGN) == OUR_OWN


def test_details_open_on_a_click_and_by_the_keyboard(page: Page) -> None:
    show(page, PAGES["report"])
    lane = page.get_by_role("rowheader", name="jdk", exact=True)
    assert not lane.is_visible()
    page.get_by_text("Timeline:").click()
    assert lane.is_visible()
    page.get_by_text("checks passed", exact=True).or_(page.get_by_text("4 checks passed")).first.focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("cell", name="verified before").first.is_visible()


def test_steps_of_one_lane_stand_in_order_and_bars_where_they_ran(page: Page) -> None:
    show(page, PAGES["report"])
    open_all(page)
    tracks = page.locator(".track div")
    bars: list[Any] = [tracks.nth(index).locator("span").bounding_box() for index in range(tracks.count())]
    names = page.locator("table:has(.track) tbody th").all_inner_texts()
    assert names == ["apt", "jdk", "pip", "datasets.flowers"]
    at = dict(zip(names, bars, strict=True))
    assert at["apt"]["x"] + at["apt"]["width"] <= at["jdk"]["x"] + 1
    assert at["apt"]["width"] > at["jdk"]["width"] > at["pip"]["width"]
    assert abs(at["apt"]["x"] - at["pip"]["x"]) < 1


def test_what_assistive_technology_is_told(page: Page) -> None:
    show(page, PAGES["failed"])
    open_all(page)
    assert page.get_by_role("region", name="Report on flowers").count() == 1
    assert page.get_by_role("table", name="Accelerator").get_by_role("columnheader").count() == 4
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("table:not(:has(> caption))").count() == 0
    show(page, PAGES["live"])
    assert page.get_by_role("progressbar", name="Steps ended").get_attribute("value") == "1"


@pytest.mark.parametrize("name", PAGES)
def test_it_reads_without_style_and_attributes(page: Page, name: str) -> None:
    """As on GitHub, which takes the sheet and every style away."""
    show(page, PAGES[name])
    open_all(page)
    words = page.locator(".colabenv").inner_text().split()
    page.evaluate(
        """() => { document.querySelectorAll('style').forEach(each => each.remove());
            document.querySelectorAll('*').forEach(each => {
                each.removeAttribute('style'); each.removeAttribute('class'); }) }"""
    )
    assert page.locator("body").inner_text().split() == words
    assert (
        page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor")
        == "rgba(0, 0, 0, 0)"
    )


@pytest.mark.skipif("UPDATE_IMAGES" not in os.environ, reason="UPDATE_IMAGES=1 draws the pictures anew")
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_pictures(page: Page, name: str, width: str, scheme: str) -> None:
    show(page, PAGES[name], scheme=scheme, width=WIDTHS[width])
    for summary in ("Timeline", "more dependenc", "Last output", "has ended"):
        for found in page.locator("summary", has_text=summary).all():
            found.click()
    page.mouse.move(0, 0)
    page.locator(".colabenv").screenshot(path=IMAGES / f"{name}-{width}-{scheme}.png")


def test_pictures_are_there() -> None:
    wanted = {f"{name}-{width}-{scheme}.png" for name in PAGES for width in WIDTHS for scheme in SCHEMES}
    assert {path.name for path in IMAGES.glob("*.png")} == wanted


def test_a_restart_is_called_for_only_where_one_is_needed(page: Page) -> None:
    show(page, PAGES["report"])
    note = page.get_by_role("note").filter(has_text="Restart needed")
    assert "numpy, pandas" in note.inner_text()
    assert page.locator(".title .word").inner_text() == "!"
    show(page, html.render_report(looks.DONE))
    assert page.get_by_role("note").count() == 0
    assert page.locator(".title .word").inner_text() == "✓"
