"""What a notebook asks Colab for, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NotebookRequest:
    """What a notebook's metadata ask for. None keeps what the notebook already asks for."""

    accelerator: str | None = None
    """"GPU", "TPU" or "" for none."""
    model: str = ""
    """`colab.gpuType`, which names TPUs too."""
    large: bool = False
    """Whether to ask for a machine with more memory."""

    def __or__(self, other: NotebookRequest) -> NotebookRequest:
        """Both at once; the first that names an accelerator wins."""
        first = self if self.accelerator is not None else other
        return NotebookRequest(first.accelerator, first.model, self.large or other.large)

    def __str__(self) -> str:
        asked = [f"{self.model} {self.accelerator}"] if self.accelerator else []
        asked += ["no accelerator"] if self.accelerator == "" else []
        asked += ["more memory"] if self.large else []
        return ", ".join(asked) or "any machine"
