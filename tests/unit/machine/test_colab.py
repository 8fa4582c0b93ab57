"""What google.colab may do other than what is asked, told in words. Real kernels are in tests/notebook."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.machine import colab
from provisioner.model.errors import EffectError


def refusing(error: Exception) -> Any:
    """A function that raises, whatever it is given."""

    def refuse(*_: object) -> None:
        raise error

    return refuse


def offer(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> None:
    monkeypatch.setattr(colab, "import_module", lambda name: SimpleNamespace(**functions))


def test_elsewhere_there_is_no_such_service() -> None:
    with pytest.raises(EffectError, match=r"google\.colab has no drive here"):
        colab.mount("/content/drive")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AttributeError("'NoneType' object has no attribute 'kernel'"), "the Colab page does not answer"),
        (ValueError("s3cret"), "Colab did not give the secret A: ValueError"),
    ],
)
def test_a_secret_that_is_refused_in_other_ways(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    offer(monkeypatch, get=refusing(error))
    with pytest.raises(EffectError, match=told) as caught:
        colab.secret("A")
    assert "s3cret" not in caught.value.message + caught.value.hint + caught.value.tail


def test_a_picker_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    offer(monkeypatch, upload=refusing(RuntimeError("closed")))
    with pytest.raises(EffectError, match="no file could be chosen") as caught:
        colab.upload(str(tmp_path / "k.json"), 0o600)
    assert caught.value.tail == "RuntimeError: closed"


def test_more_than_one_file_is_one_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    offer(monkeypatch, upload=lambda: {"a": b"1", "b": b"2"})
    with pytest.raises(EffectError, match="2 files were chosen"):
        colab.upload(str(tmp_path / "k.json"), 0o600)
