"""What a section asks of an image, and what it tells the rest of the program about itself."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from provisioner.kinds.pip.kind import KIND
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.shared.frameworks import concerns_of_families
from provisioner.machine.reader import Interpreter
from provisioner.model.errors import ProvisionerError
from tests.fakes import FakeMachine

FAMILY = {f"pip.{name}": "" for name in ("torch", "torchvision", "torchaudio", "triton", "nvidia-*")}


def section(wanted: dict[str, object]) -> Pip:
    context = {"folder": "/work", "home": "/root"}
    config: Pip = TypeAdapter(KIND.config).validate_python(wanted, context=context)
    return config


def wishes(wanted: dict[str, object], machine: FakeMachine) -> dict[str, str]:
    """What the section asks for, by address."""
    return {each.address: each.wish for each in KIND.concerns(section(wanted), machine).concerns}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, {}),
        (
            {"packages": ["NumPy<2.1", "six; python_version < '3.13'"], "absent": ["Keras"]},
            {"pip.keras": "", "pip.numpy": "numpy<2.1", "pip.six": ""},
        ),
        ({"packages": ["torch @ https://example.org/torch-2.9-py3-none-any.whl"]}, FAMILY),
        ({"packages": ["torch"], "absent": ["keras"], "venv": ".venv"}, {}),
    ],
)
def test_what_a_section_is_concerned_with(wanted: dict[str, object], expected: dict[str, str]) -> None:
    assert wishes(wanted, FakeMachine()) == {"runtime.python": "", **expected}


def test_requirements_files_are_read() -> None:
    machine = FakeMachine()
    machine.put("/work/requirements.txt", "xgboost>=2\n-r more.txt\n-c limits.txt\n./odd\n./odder\n")
    machine.put("/work/more.txt", "pandas\n")
    machine.put("/work/limits.txt", "scipy<2\n")
    machine.put("/work/pyproject.toml", "[project]\nname = 'course'\n")
    wanted: dict[str, object] = {"requirements": ["requirements.txt"], "editable": ["."]}
    assert wishes(wanted, machine) == {
        "runtime.python": "",
        "pip.xgboost": "xgboost>=2",
        "pip.pandas": "pandas",
        "pip.scipy": "",
        "pip.course": "/work",
    }
    assert KIND.concerns(section(wanted), machine).unread == ("/work/requirements.txt",)


def test_a_requirements_file_that_is_missing_is_named() -> None:
    with pytest.raises(ProvisionerError, match=r"there is no file /work/lost\.txt") as caught:
        wishes({"requirements": ["lost.txt"]}, FakeMachine())
    assert caught.value.hint == "/work/colabenv.yaml names it: write it, or name another."


def test_a_version_that_will_do_is_not_missed() -> None:
    concerns = KIND.concerns(section({"packages": ["numpy<2.1"]}), FakeMachine()).concerns
    (numpy,) = (each for each in concerns if each.address == "pip.numpy")
    assert [numpy.fits(version) for version in ("2.0.2", "2.1rc1", "2.1.0")] == [True, False, False]


@pytest.mark.parametrize(
    ("names", "patterns"),
    [
        ({"jax"}, ["pip.jax*", "pip.nvidia-*"]),
        ({"tensorflow-text"}, ["pip.tensorflow*", "pip.tf-nightly", "pip.nvidia-*"]),
        ({"triton", "nvidia-cublas", "numpy"}, []),
    ],
)
def test_what_was_built_for_a_framework(names: set[str], patterns: list[str]) -> None:
    assert [each.address for each in concerns_of_families(frozenset(names))] == patterns


def test_what_is_there_in_any_version() -> None:
    machine = FakeMachine(python=Interpreter("/v/bin/python", "3.11.2", ("/v",)))
    machine.put("/v/six-1.0.dist-info/METADATA", "Name: six\n")
    machine.put("/v/six-1.0.dist-info/RECORD", "six-1.0.dist-info/METADATA,,\n")
    facts = KIND.observe(section({"packages": ["Six"], "requirements": ["gone.txt"]}), machine)
    assert list(KIND.requirements(facts)) == [("pip.six", True)]


def test_the_virtual_environment_that_a_section_chooses() -> None:
    assert KIND.environment(section({"venv": ".venv"})) == "/work/.venv"
    assert KIND.environment(section({})) is None


@pytest.mark.parametrize(
    ("files", "about"),
    [([], ""), (["a.txt"], "what a.txt asks for"), (["a.txt", "b.txt"], "what a.txt, b.txt ask for")],
)
def test_what_is_unknown_of_a_section(files: list[str], about: str) -> None:
    assert KIND.entries
    (entry,) = KIND.entries(section({"requirements": files}), "/work")
    assert entry.about == about
