"""Advice for every place, and its blanks filled."""

from __future__ import annotations

from string import Formatter
from typing import get_args

import pytest

from provisioner.facts.platforms import Place, Platform
from provisioner.kinds.shared.platform_advice import ADVICE, AdviceTopic, advice

BLANKS = {
    "accelerator": {"entry"},
    "mount drive": {"mount"},
    "mount drive again": {"mount"},
    "missing secret": {"variable", "name"},
}
"""The words that a topic's texts may need."""


@pytest.mark.parametrize("topic", get_args(AdviceTopic))
def test_every_topic_has_advice_everywhere(topic: AdviceTopic) -> None:
    words = dict.fromkeys(BLANKS.get(topic, ()), "WORD")
    for place in get_args(Place):
        assert "{" not in advice(topic, place, **words)
    assert set(ADVICE[topic]) <= {*get_args(Place)}


@pytest.mark.parametrize("topic", get_args(AdviceTopic))
def test_only_the_words_of_the_topic_are_needed(topic: AdviceTopic) -> None:
    needed = {name for text in ADVICE[topic].values() for _, name, _, _ in Formatter().parse(text) if name}
    assert needed == BLANKS.get(topic, set())


def test_what_has_no_advice_of_its_own_gets_that_of_any_machine() -> None:
    assert advice("memory", "vscode") == advice("memory", "other")
    assert advice("memory", "kaggle") != advice("memory", "other")
    assert {*get_args(Platform)} <= {*get_args(Place)}


def test_the_blanks_are_filled() -> None:
    assert advice("accelerator", "colab", entry="T4 GPU").startswith(
        "Choose Runtime > Change runtime type > T4 GPU, and"
    )
    assert "drive.mount('/x')" in advice("mount drive", "colab", mount="/x")
