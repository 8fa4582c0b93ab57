"""What the files that only the user has bring about."""

from __future__ import annotations

from provisioner.kinds.inputs import InputFile, entries


def test_each_is_made_where_it_belongs() -> None:
    (entry,) = entries({"kaggle": InputFile(to="/root/.kaggle/kaggle.json")}, "/work")
    assert (entry.address, entry.makes) == ("inputs.kaggle", ("/root/.kaggle/kaggle.json",))
