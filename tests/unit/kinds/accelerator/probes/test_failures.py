"""What the probes make of the words of failing frameworks, and which builds run on which devices."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.kinds.accelerator.probes.builds import (
    fitting_build,
    gpu_build,
    newer_build,
    runs_on,
    type_bought_for,
)
from provisioner.kinds.accelerator.probes.failures import SIGNS, crash, explain, recognise, shorten

RECORDED = Path(__file__).parents[4] / "recorded" / "frameworks.yaml"
SAMPLES: list[dict[str, Any]] = yaml.safe_load(RECORDED.read_text())


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{s['framework']}: {s['means'][:40]}" for s in SAMPLES])
def test_recorded_words_are_understood(sample: dict[str, Any]) -> None:
    message, hint = explain(sample["said"], {"framework": sample["framework"], **sample.get("seen", {})})
    assert re.search(sample["means"], message), message
    assert re.search(sample["remedy"], hint), hint


def test_every_sign_has_a_sample() -> None:
    unseen = {pattern for pattern, _, _ in SIGNS}
    for sample in SAMPLES:
        found = [p for p, _, _ in SIGNS if re.search(p, sample["said"], re.IGNORECASE)]
        unseen -= set(found[:1])
    assert unseen == set()


def test_every_sample_says_where_it_comes_from() -> None:
    origins = [sample["from"].partition(",")[0] for sample in SAMPLES]
    assert set(origins) == {"recorded", "report", "source"}


@pytest.mark.parametrize("framework", ["TensorFlow", "PyTorch", "JAX"])
def test_nothing_is_known_of_ordinary_words(framework: str) -> None:
    assert recognise("Epoch 1/10: loss 0.3, saved to /content/model", {"framework": framework}) is None


def test_long_words_are_shortened() -> None:
    assert len(shorten("word " * 10_000)) < 700
    assert shorten("\n".join(str(number) for number in range(100))).splitlines()[-1] == "5"


@pytest.mark.parametrize(
    ("number", "log", "message", "hint"),
    [
        (11, "", "JAX crashed (SIGSEGV) while listing devices.", "do not fit each other"),
        (
            6,
            "what(): CUDA out of memory",
            "JAX crashed (SIGABRT) while listing devices. JAX: the GPU's",
            "nvidia",
        ),
        (4, "", "SIGILL", "instructions that the processor lacks"),
        (9, "", "SIGKILL", "memory ran out"),
        (40, "", "(signal 40)", ""),
    ],
)
def test_a_crash_is_told_with_its_signal(number: int, log: str, message: str, hint: str) -> None:
    told = crash(number, "listing devices", log, {"framework": "JAX"})
    assert message in told[0]
    assert hint in told[1]


@pytest.mark.parametrize(
    ("capability", "architectures", "how"),
    [
        ("7.5", ["sm_70", "sm_75"], "binary"),
        ("8.9", ["sm_80"], "binary"),
        ("8.6", ["sm_80"], "binary"),
        ("8.0", ["sm_86"], ""),
        ("9.0", ["sm_80"], ""),
        ("9.0", ["sm_90a"], "binary"),
        ("9.1", ["sm_90a"], ""),
        ("10.3", ["sm_100f"], "binary"),
        ("12.0", ["sm_90", "compute_90"], "ptx"),
        ("12.0", ["compute_90a"], ""),
        ("12.0", ["sm_100", "sm_120", "compute_120"], "binary"),
        ("6.0", ["compute_70"], ""),
        ("6.0", ["sm_50", "sm_60"], "binary"),
        ("7.5", [], ""),
        ("7.5", ["gfx90a"], ""),
    ],
)
def test_which_code_runs_on_which_gpu(capability: str, architectures: list[str], how: str) -> None:
    assert runs_on(capability, architectures) == how


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [
        ("3.7", ""),
        ("6.0", ""),
        ("7.0", "float16"),
        ("7.5", "float16"),
        ("8.0", "bfloat16"),
        ("12.0", "bfloat16"),
    ],
)
def test_the_type_that_a_gpu_is_bought_for(capability: str, dtype: str) -> None:
    assert type_bought_for(capability) == dtype


@pytest.mark.parametrize(
    ("name", "driver", "part"),
    [
        ("TensorFlow", "12.8", "tensorflow[and-cuda]"),
        ("PyTorch", "11.4", "whl/cu118"),
        ("PyTorch", "12.2", "whl/cu126"),
        ("PyTorch", "13.0", "whl/cu130"),
        ("JAX", "11.4", "jax[cuda12]"),
        ("JAX", "13.1", "jax[cuda13]"),
        ("JAX", "", "jax[cuda12]"),
    ],
)
def test_the_build_that_is_advised_fits_the_driver(name: str, driver: str, part: str) -> None:
    assert part in gpu_build(name, driver)


def test_advice_names_the_framework() -> None:
    assert "tensorflow" in fitting_build("TensorFlow", "12.2")
    assert newer_build("JAX") == "a newer JAX"
