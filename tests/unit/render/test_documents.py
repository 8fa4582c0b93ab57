"""Plans and reports as JSON: a plan survives the journey, whatever it holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.engine.saved_plan import plan_from
from provisioner.model.errors import ProvisionerError
from provisioner.model.plan import Plan
from provisioner.render import documents
from tests.unit.render.test_text import ATTACHED, DONE, PLAN

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))

plans = st.from_type(Plan)


@given(plans)
def test_a_plan_survives_json(plan: Plan) -> None:
    assert plan_from(documents.text(documents.plan_document(plan)), "p.json") == plan


def test_the_document_is_what_scripts_rely_on() -> None:
    document = json.loads(documents.text(documents.plan_document(PLAN)))
    assert next(iter(document)) == "format"
    assert document["format"] == "provisioner.plan/1"
    assert document["summary"] == {
        "keep": 2,
        "create": 7,
        "update": 2,
        "remove": 1,
        "blocked": 2,
        "deferred": 0,
        "download": 214_000_000,
    }
    assert document["changes"][2] == {
        "address": "apt.tree",
        "action": "create",
        "before": None,
        "after": "2.1.0-1",
        "reason": "",
        "transitive": False,
    }


def test_a_report_says_whether_all_is_well() -> None:
    document = json.loads(documents.text(documents.report_document(DONE)))
    assert next(iter(document)) == "format"
    assert document["ok"] is True
    assert [verdict["address"] for verdict in document["verdicts"]] == [
        "verify.cv2",
        "jdk.java",
        "verify.slow",
    ]


def test_a_report_tells_of_the_accelerator_when_it_was_asked_for() -> None:
    assert documents.report_document(DONE)["accelerator"] is None
    found = json.loads(documents.text(documents.report_document(ATTACHED)))["accelerator"]
    assert found["gpus"][0] == {
        "index": 0,
        "name": "Tesla T4",
        "memory_total": 15360 << 20,
        "memory_free": 15260 << 20,
        "capability": "7.5",
    }
    assert (found["driver"], found["cuda"], found["tpu"], found["problem"]) == (
        "580.82.07",
        "13.0",
        "v5e",
        None,
    )
    torch, jax, tensorflow = found["frameworks"]
    assert (torch["framework"], torch["computed"], torch["tflops"]) == ("torch", True, 41.234)
    assert (jax["framework"], jax["remembered"]) == ("jax", True)
    assert (tensorflow["passed"], tensorflow["message"]) == (False, "no answer within 120 s")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": "x/1"}',
        '{"format": "provisioner.plan/1"}',
        '{"format": "provisioner.plan/1", "plan": {"name": 1}}',
    ],
)
def test_what_is_no_plan_is_refused_in_words(text: str) -> None:
    with pytest.raises(ProvisionerError, match=r"p\.json is (no|not a) "):
        plan_from(text, "p.json")
