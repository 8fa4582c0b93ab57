"""Notebooks that are written, and those that are updated without another byte being touched."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.cli import main
from provisioner.commands.notebook import github, ipynb
from provisioner.commands.notebook.ipynb import BADGE, CELL
from provisioner.machine.edits import json_edit
from provisioner.model.errors import ProvisionerError
from provisioner.model.notebook import NotebookRequest
from provisioner.spec.spec import parse

ROOT = Path(__file__).parents[4]
T4 = NotebookRequest("GPU", "T4")
SOURCES = {CELL: "!pip install -q colab-provisioner\n%load_ext provisioner\n%colabenv apply"}


def asked(section: str) -> NotebookRequest:
    return ipynb.request(parse(f"version: 1\n{section}\n", "s.yaml", "/work"))


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        ("env: {}", NotebookRequest()),
        ("accelerator: gpu", T4),
        ("accelerator: tesla t4", T4),
        ("accelerator: {any_of: [A100-80GB, T4]}", NotebookRequest("GPU", "A100")),
        ("accelerator: H100", NotebookRequest("GPU", "H100")),
        ("accelerator: G4", NotebookRequest("GPU", "G4")),
        ("accelerator: {any_of: [K80, P100, L4]}", NotebookRequest("GPU", "L4")),
        ("accelerator: K80", NotebookRequest()),
        ("accelerator: tpu", NotebookRequest("TPU", "V5E1")),
        ("accelerator: v5e-1", NotebookRequest("TPU", "V5E1")),
        ("accelerator: v6e", NotebookRequest("TPU", "V6E1")),
        ("accelerator: v5e-8", NotebookRequest()),
        ("accelerator: none", NotebookRequest("")),
        ("accelerator: cpu", NotebookRequest()),
        ("accelerator: {any_of: [cpu, T4]}", NotebookRequest()),
        ("accelerator: {any_of: [gpu, tpu, cpu]}", T4),
        ("runtime: {memory: 12GiB}", NotebookRequest()),
        ("runtime: {memory: 13GiB}\naccelerator: T4", NotebookRequest("GPU", "T4", large=True)),
    ],
)
def test_what_colab_is_asked_for(section: str, wanted: NotebookRequest) -> None:
    assert asked(section) == wanted


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (T4, "T4 GPU"),
        (NotebookRequest("TPU", "V6E1", large=True), "V6E1 TPU, more memory"),
        (NotebookRequest(""), "no accelerator"),
        (NotebookRequest(), "any machine"),
    ],
)
def test_a_request_in_words(wish: NotebookRequest, words: str) -> None:
    assert str(wish) == words


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a spec, outside of any repository."""
    (tmp_path / "colabenv.yaml").write_text("version: 1\naccelerator: T4\nruntime: {memory: 20GiB}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def publish(folder: Path, url: str, head: str = "ref: refs/heads/main\n") -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text(head)
    (folder / ".git" / "config").write_text(
        f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/x/*\n'
    )


def test_a_notebook_is_written_valid_and_the_same_each_time(folder: Path) -> None:
    assert main(["notebook"]) == 0
    text = (folder / "colabenv.ipynb").read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata["accelerator"] == "GPU"
    assert notebook.metadata["colab"] == {"gpuType": "T4", "machine_shape": "hm"}
    assert [cell.source for cell in notebook.cells] == [SOURCES[CELL]]
    assert main(["notebook", "--force"]) == 0
    assert (folder / "colabenv.ipynb").read_text() == text
    assert main(["notebook", "--update", "colabenv.ipynb"]) == 0
    assert (folder / "colabenv.ipynb").read_text() == text


def test_another_file_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.ipynb").write_text("{}")
    assert main(["notebook", "--out", "mine.ipynb"]) == 1
    assert "--update" in capsys.readouterr().err
    assert (folder / "mine.ipynb").read_text() == "{}"
    assert main(["notebook", "--out", "mine.ipynb", "--force"]) == 0
    assert "asks Colab for: T4 GPU, more memory" in capsys.readouterr().out


def test_a_published_notebook_has_a_badge_and_fetches_its_spec(folder: Path) -> None:
    publish(folder, "https://user:secret@github.com/me/thing.git")
    (folder / "nb").mkdir()
    assert main(["notebook", "--out", "nb/a b.ipynb"]) == 0
    text = (folder / "nb" / "a b.ipynb").read_text()
    badge, setup = nbformat.reads(text, as_version=4).cells
    assert badge.cell_type == "markdown"
    assert "https://colab.research.google.com/github/me/thing/blob/main/nb/a%20b.ipynb" in badge.source
    assert setup.source.splitlines()[1:] == [
        "!test -e ../colabenv.yaml || curl -fsSL --create-dirs -o ../colabenv.yaml "
        "https://raw.githubusercontent.com/me/thing/main/colabenv.yaml",
        "%load_ext provisioner",
        "%colabenv apply ../colabenv.yaml",
    ]
    assert "secret" not in text


LOCKED = """\
!pip install -q colab-provisioner
!test -e ../colabenv.yaml || curl -fsSL --create-dirs -o ../colabenv.yaml \
https://raw.githubusercontent.com/me/thing/main/colabenv.yaml
!test -e ../colabenv.lock || curl -fsSL --create-dirs -o ../colabenv.lock \
https://raw.githubusercontent.com/me/thing/main/colabenv.lock
%load_ext provisioner
%colabenv apply --locked ../colabenv.yaml"""


def test_where_there_is_a_lock_the_cell_fetches_it_and_keeps_to_it(folder: Path) -> None:
    (folder / "nb").mkdir()
    words = ["notebook", "--repo", "me/thing", "--update", "nb/x.ipynb"]
    assert main([*words[:-2], "--out", "nb/x.ipynb"]) == 0
    loose = (folder / "nb" / "x.ipynb").read_text()
    (folder / "colabenv.lock").touch()
    assert main(words) == 0
    assert cell_of(folder / "nb" / "x.ipynb") == LOCKED
    assert main([*words[:-2], "--out", "nb/y.ipynb"]) == 0
    assert cell_of(folder / "nb" / "y.ipynb") == LOCKED
    (folder / "colabenv.lock").unlink()
    assert main(words) == 0
    assert (folder / "nb" / "x.ipynb").read_text() == loose


def test_a_lock_beside_the_notebook_is_kept_to_as_well(folder: Path) -> None:
    (folder / "colabenv.lock").touch()
    assert main(["notebook"]) == 0
    assert cell_of(folder / "colabenv.ipynb") == f"{SOURCES[CELL]} --locked"


def test_a_lock_that_the_repository_does_not_hold_is_not_fetched(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    publish(inner, "https://github.com/me/thing")
    (inner / "colabenv.yaml").write_text("version: 1\n")
    (folder / "elsewhere.lock").touch()
    (inner / "colabenv.lock").symlink_to("../elsewhere.lock")
    assert main(["notebook", "inner/colabenv.yaml"]) == 0
    cell = cell_of(inner / "colabenv.ipynb")
    assert "/colabenv.yaml" in cell
    assert "colabenv.lock" not in cell
    assert cell.endswith("%colabenv apply --locked")


def cell_of(notebook: Path) -> str:
    """The source of our cell in a notebook."""
    cells = nbformat.read(notebook, as_version=4).cells
    return next(str(cell.source) for cell in cells if cell.id == CELL)


def test_a_notebook_outside_of_the_repository_has_no_badge(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    publish(inner, "git@github.com:me/thing.git")
    (inner / "colabenv.yaml").write_text("version: 1\n")
    assert main(["notebook", "inner/colabenv.yaml", "--out", "x.ipynb"]) == 0
    assert [cell.id for cell in nbformat.read(folder / "x.ipynb", as_version=4).cells] == [CELL]


@pytest.mark.parametrize("name", ["a b.yaml", "$(x).yaml", "{x}.yaml", "-x.yaml"])
def test_a_name_that_a_cell_would_read_otherwise_is_refused(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_text("version: 1\n")
    assert main(["notebook", f"./{name}", "--out", "x.ipynb"]) == 1
    assert "Rename it" in capsys.readouterr().err
    assert not (folder / "x.ipynb").exists()


# Where a repository is.


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://github.com/me/thing.git", "me/thing"),
        ("https://github.com/me/thing", "me/thing"),
        ("https://github.com/me/thing/", "me/thing"),
        ("https://token@github.com/me/th.ing.git", "me/th.ing"),
        ("git@github.com:me/thing.git", "me/thing"),
        ("ssh://git@github.com/me/thing.git", "me/thing"),
        ("https://gitlab.com/me/thing.git", None),
        ("https://evil.example/github.com/me/thing", None),
        ("https://github.com/me/..", None),
        ("https://github.com/me/thing/more", None),
        ("https://github.com/me/th$ing", None),
        ("/srv/thing.git", None),
    ],
)
def test_the_slug_of_a_remote(tmp_path: Path, url: str, slug: str | None) -> None:
    publish(tmp_path, url)
    found = github.locate(str(tmp_path))
    assert (found and found.slug) == slug


def test_origin_comes_before_other_remotes(tmp_path: Path) -> None:
    publish(tmp_path, "https://github.com/me/origin", head="0123456789abcdef\n")
    config = tmp_path / ".git" / "config"
    first = '[remote "fork"]\n  url = https://github.com/you/fork\n  url = https://github.com/you/second\n'
    config.write_text(first + config.read_text())
    found = github.locate(str(tmp_path))
    assert found == github.GitHubRepository("me/origin", "main", str(tmp_path))
    config.write_text(first)
    found = github.locate(str(tmp_path))
    assert found
    assert found.slug == "you/fork"


def test_a_worktree_has_its_own_branch_and_the_others_remotes(tmp_path: Path) -> None:
    publish(tmp_path, "https://github.com/me/thing")
    own = tmp_path / ".git" / "worktrees" / "w"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/feature/a\n")
    (own / "commondir").write_text("../..\n")
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / ".git").write_text(f"gitdir: {own}\n")
    found = github.locate(str(tree / "sub"))
    assert found == github.GitHubRepository("me/thing", "feature/a", str(tree))


def test_a_repository_may_be_named(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert github.locate(root) is None
    assert github.locate(root, "me/thing") == github.GitHubRepository("me/thing", "main", root)
    publish(tmp_path, "https://github.com/me/other", head="ref: refs/heads/dev\n")
    assert github.locate(root, "me/thing") == github.GitHubRepository("me/thing", "dev", root)
    with pytest.raises(ProvisionerError, match="is not a repository on GitHub"):
        github.locate(root, "me/thing; rm -rf x")


# Updating.

ODD = """{
    "nbformat_minor": 2, "nbformat" : 4,
    "metadata": {"zeta": 1e2, "colab": {"name": "x", "gpuType": "A100"}},
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": "# caf\\u00e9 \\/ é"},
        { "cell_type": "code", "source": ["1.50"], "outputs": [], "metadata": {}, "execution_count": 3}
    ]
}
"""


def test_an_update_keeps_every_other_byte() -> None:
    assert ipynb.compose(ODD, T4, SOURCES) == (
        ODD.replace('"zeta"', '"accelerator": "GPU", "zeta"')
        .replace('"A100"', '"T4"')
        .replace(
            '        { "cell_type": "code"',
            """\
        {
            "cell_type": "code",
            "execution_count": null,
            "metadata": {
                "id": "colabenv",
                "tags": [
                    "colabenv"
                ]
            },
            "outputs": [],
            "source": [
                "!pip install -q colab-provisioner\\n",
                "%load_ext provisioner\\n",
                "%colabenv apply"
            ]
        },
        { "cell_type": "code\"""",
        )
    )


@pytest.mark.parametrize(
    "known", [{"id": CELL}, {"metadata": {"id": CELL}}, {"metadata": {"tags": ["x", CELL]}}]
)
def test_the_cell_is_known_again_and_only_its_source_changes(known: dict[str, Any]) -> None:
    cell = {"cell_type": "code", "source": "old", "outputs": [{"x": 1}], "metadata": {}, **known}
    text = json.dumps({"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "raw"}, cell]}, indent=2)
    made = json.loads(ipynb.compose(text, NotebookRequest(), SOURCES))
    assert "".join(made["cells"][1]["source"]) == SOURCES[CELL]
    made["cells"][1]["source"] = "old"
    assert made == json.loads(text)


def test_a_cell_without_a_source_gets_one() -> None:
    text = json.dumps({"nbformat": 4, "metadata": {}, "cells": [{"id": CELL}]})
    assert (
        "".join(json.loads(ipynb.compose(text, NotebookRequest(), SOURCES))["cells"][0]["source"])
        == SOURCES[CELL]
    )


def test_no_accelerator_takes_the_request_away() -> None:
    before = '{"cells":[],"metadata":{"accelerator":"TPU","colab":{"a":1,"gpuType":"V5E1"}},"nbformat":4}'
    after = '{"cells":[],"metadata":{"colab":{"a":1}},"nbformat":4}'
    assert ipynb.compose(before, NotebookRequest(""), {}) == after
    assert ipynb.compose(after, NotebookRequest(""), {}) == after
    assert ipynb.compose(before, NotebookRequest(), {}) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no `nbformat`"),
        ('{"nbformat": 3, "worksheets": []}', "format 3"),
        ('{"nbformat": 4, "metadata": {}}', "no list of cells"),
        ('{"nbformat": 4, "metadata": {}, "cells": [1]}', "no list of cells"),
        ('{"nbformat": 4, "metadata": [], "cells": []}', "not a mapping"),
        ('{"nbformat": 4, "metadata": {"colab": 1}, "cells": []}', "not a mapping"),
    ],
)
def test_what_is_no_notebook_is_left_alone(
    folder: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "x.ipynb").write_text(text)
    assert main(["notebook", "--update", "x.ipynb"]) == 1
    assert message in capsys.readouterr().err
    assert (folder / "x.ipynb").read_text() == text


def test_what_cannot_be_read_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notebook", "--update", "absent.ipynb"]) == 1
    assert "absent.ipynb cannot be read: No such file" in capsys.readouterr().err
    (folder / "x.ipynb").write_bytes(b'{"nbformat": 4, "\xff": 1}')
    assert main(["notebook", "--update", "x.ipynb"]) == 1
    assert "not UTF-8" in capsys.readouterr().err


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CELLS = st.fixed_dictionaries(
    {
        "cell_type": st.sampled_from(["code", "markdown", "raw"]),
        "source": st.text() | st.lists(st.text(), max_size=3),
        "metadata": st.dictionaries(st.text(), VALUES, max_size=2),
    },
    optional={"id": st.text(min_size=1), "outputs": st.lists(VALUES, max_size=2)},
)
NOTEBOOKS = st.fixed_dictionaries(
    {
        "cells": st.lists(CELLS, max_size=4),
        "metadata": st.dictionaries(st.text().filter(lambda key: key != "colab"), VALUES, max_size=3),
        "nbformat": st.just(4),
        "nbformat_minor": st.integers(0, 5),
    },
    optional={"more": VALUES},
)
STYLES = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 1, 2, 4, "\t"]),
        "sort_keys": st.booleans(),
        "ensure_ascii": st.booleans(),
    }
)
WISHES = st.sampled_from(
    [
        T4,
        NotebookRequest("TPU", "V5E1", large=True),
        NotebookRequest(""),
        NotebookRequest(large=True),
        NotebookRequest(),
    ]
)


@given(NOTEBOOKS, STYLES, WISHES, st.booleans())
def test_the_law_of_updating(
    notebook: dict[str, Any], style: dict[str, Any], wish: NotebookRequest, windows: bool
) -> None:
    """Twice is once; it reads as before with ours in it; what others wrote stands there byte for byte."""
    ours = {**SOURCES, BADGE: "badge"}
    text = json.dumps(notebook, **style) + "\n"
    text = text.replace("\n", "\r\n") if windows else text
    made = ipynb.compose(text, wish, ours)
    assert ipynb.compose(made, wish, ours) == made
    assert ("\n" in made.replace("\r\n", "")) == ("\n" in text.replace("\r\n", ""))
    read = json.loads(made)
    cells = [cell for cell in read["cells"] if not {CELL, BADGE} & {*ipynb.names(cell)}]
    assert cells == notebook["cells"]
    assert read["metadata"] == expected(notebook["metadata"], wish)
    assert {**read, "cells": 0, "metadata": 0} == {**notebook, "cells": 0, "metadata": 0}
    for number, _ in enumerate(notebook["cells"]):
        item = json_edit.find(text, "cells", number)
        assert item
        assert text[item.start : item.end] in made


def expected(metadata: dict[str, Any], wish: NotebookRequest) -> dict[str, Any]:
    wanted = copy.deepcopy(metadata)
    colab = {
        **({"machine_shape": "hm"} if wish.large else {}),
        **({"gpuType": wish.model} if wish.model else {}),
    }
    if colab:
        wanted["colab"] = colab
    if wish.accelerator == "":
        wanted.pop("accelerator", None)
    elif wish.accelerator:
        wanted["accelerator"] = wish.accelerator
    return wanted
