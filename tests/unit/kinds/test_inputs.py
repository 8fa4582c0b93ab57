"""What the files that only the user has bring about."""

from __future__ import annotations

from provisioner.kinds.inputs import KIND, InputFile


def test_each_is_made_where_it_belongs() -> None:
    assert [*KIND.makes({"kaggle": InputFile(to="/root/.kaggle/kaggle.json")})] == [
        "/root/.kaggle/kaggle.json"
    ]
