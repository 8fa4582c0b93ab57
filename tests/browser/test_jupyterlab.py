"""A real JupyterLab: run, saved, opened again in the other theme, and opened by one who does not trust it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from provisioner.render.stylesheet import DARK, LIGHT
from tests.browser.conftest import CONTRASTS, FOREIGN, OUR_OWN, ground, needs_chromium
from tests.clock import PATIENCE
from tests.notebook.kernels import environment

pytestmark = needs_chromium

TOKEN = "letmein"

SPEC = """\
version: 1
name: small
files: [{path: made.txt, content: hello}, {path: there, link: made.txt}]
run: [{name: copy, command: [cp, made.txt, copied], creates: copied}]
drive: {required: false}
verify: {imports: [json]}
"""
CELL = "%load_ext provisioner\n%colabenv apply"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
CARDS = ".jp-OutputArea .colabenv"


@dataclass
class Lab:
    """A running server; its notebooks and its user's settings are below `folder`."""

    folder: Path
    url: str

    def choose(self, theme: str) -> None:
        """Choose a theme as the settings dialog does; pages that are opened later have it."""
        settings = self.folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True, exist_ok=True)
        chosen = json.dumps({"theme": f"JupyterLab {theme}"})
        (settings / "themes.jupyterlab-settings").write_text(chosen)
        (settings / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))

    def write(self, name: str, document: dict[str, Any]) -> None:
        (self.folder / "work" / name).write_text(json.dumps(document))

    def read(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "work" / name).read_text())
        return document

    def open(self, page: Page, name: str) -> None:
        page.goto(f"{self.url}/lab/tree/{name}?reset&token={TOKEN}")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    venv = environment("lab")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "colabenv.yaml").write_text(SPEC)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"HOME": "home", "XDG_STATE_HOME": "state", "JUPYTERLAB_SETTINGS_DIR": "settings"}
    own |= {f"JUPYTER_{each}_DIR": each.lower() for each in ("CONFIG", "DATA", "RUNTIME")}
    environ = {**os.environ, **{name: str(tmp_path / folder) for name, folder in own.items()}}
    options = [f"--port={port}", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={tmp_path}/work"]
    command = [f"{venv}/bin/jupyter-lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", *options]
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/api")
        yield Lab(tmp_path, url)
    finally:
        server.terminate()
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # it may wait for ever for a kernel that it stops while that starts
            server.kill()
            server.wait()


def wait_for(url: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url).close()
        except OSError:
            assert time.monotonic() < end, f"nobody answers at {url}"
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": 1200, "height": 1000}, color_scheme="dark")
    made.set_default_timeout(1000 * PATIENCE)
    yield made
    made.close()


def words(page: Page) -> list[str]:
    """All that the cards say, whether it can be seen or not."""
    return " ".join(page.locator(CARDS).evaluate_all("all => all.map(each => each.textContent)")).split()


def looks_right(page: Page, colours: dict[str, str]) -> None:
    assert ground(page) == colours["ground"]
    assert page.evaluate(FOREIGN) == OUR_OWN
    contrasts: list[tuple[str, float]] = page.evaluate(CONTRASTS)
    assert [each for each in contrasts if each[1] < 4.5] == []
    assert page.locator(CARDS).evaluate_all("all => all.filter(c => c.scrollWidth > c.clientWidth)") == []


def test_it_looks_right_when_run_and_saved_and_opened_again(lab: Lab, page: Page) -> None:
    cell = {"cell_type": "code", "id": "a", "source": CELL, "outputs": [], "metadata": {}}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": KERNEL}}
    lab.write("a.ipynb", {**document, "cells": [{**cell, "execution_count": None}]})
    lab.choose("Light")
    lab.open(page, "a.ipynb")
    page.get_by_text("| Idle").wait_for()
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.locator(CARDS).get_by_text("Every other part is verified.").wait_for()
    assert page.locator(CARDS).count() == len(["plan", "bars", "report"])
    looks_right(page, LIGHT)
    said = words(page)
    assert "Observing again" not in " ".join(said), "what went on last is no news once all is over"

    with page.expect_response(lambda answer: answer.request.method == "PUT" and "a.ipynb" in answer.url):
        page.keyboard.press("Control+s")
    saved = lab.read("a.ipynb")
    lab.choose("Dark")
    lab.open(page, "a.ipynb")
    page.locator(CARDS).last.wait_for()
    looks_right(page, DARK)
    assert words(page) == said

    lab.write("b.ipynb", {**saved, "metadata": {**saved["metadata"], "by": "somebody else"}})
    lab.open(page, "b.ipynb")
    page.locator(CARDS).last.wait_for()
    assert page.locator(".jp-OutputArea style").count() == 0, "JupyterLab sanitises what it does not trust"
    assert words(page) == said
    assert page.locator(CARDS).get_by_text("Every other part is verified.").is_visible()
    page.locator("summary").get_by_text("Timeline").click()
    assert page.get_by_role("table", name="Steps of one lane").get_by_role("row").count() > 1
