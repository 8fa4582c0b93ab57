"""What the rest of the program is told of secrets."""

from __future__ import annotations

from provisioner.kinds.secrets import KIND, WantedSecret


def test_every_variable_is_secret_whatever_it_is_called() -> None:
    assert [*KIND.secrets({"PLAIN": WantedSecret(), "PIN": WantedSecret(required=False)})] == ["PLAIN", "PIN"]
