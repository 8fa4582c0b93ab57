"""An apply to look at: a plan, the live view of it, and reports that show every part of the HTML."""

from __future__ import annotations

from provisioner.model.accelerators import Accelerators, Gpu
from provisioner.model.plan import Action, Change, Plan, Step
from provisioner.model.report import Event, Outcome, Report, Status, Verdict
from provisioner.render.live_html import LiveView

PLAN = Plan(
    name="flowers",
    spec="/content/colabenv.yaml",
    digest="d",
    steps=(
        Step(
            id="accelerator",
            changes=(
                Change("accelerator.gpu", Action.KEEP, "T4 (16 GB, 7.5)", reason="T4 is choice 1 of 3"),
            ),
        ),
        Step(
            id="apt",
            lane="dpkg",
            changes=(
                Change("apt.curl", Action.KEEP, "7.88.1-10"),
                Change("apt.libopencv-dev", Action.CREATE, None, "4.6.0+dfsg-12"),
                Change("apt.ffmpeg", Action.UPDATE, "7:5.1.5", "7:5.1.6", "wanted >=7:5.1.6"),
                *(
                    Change(f"apt.{name}", Action.CREATE, None, "4.6.0+dfsg-12", transitive=True)
                    for name in ("libopencv-core406", "libopencv-imgproc406", "libopencv-video406")
                ),
            ),
            download=214_000_000,
        ),
        Step(id="jdk", lane="dpkg", changes=(Change("jdk.17", Action.CREATE, None, "17.0.13"),)),
        Step(
            id="pip",
            changes=(
                Change("pip.numpy", Action.UPDATE, "2.0.2", "2.1.3"),
                Change("pip.keras", Action.KEEP, "3.8.0"),
                Change("pip.xgboost", Action.KEEP, "2.1.4"),
            ),
            warnings=("numpy is imported in this kernel already: it must be restarted afterwards",),
        ),
        Step(
            id="datasets.flowers",
            changes=(Change("datasets.flowers", Action.CREATE, None, "data/flowers"),),
            download=330_000_000,
        ),
        Step(
            id="drive",
            changes=(
                Change(
                    "drive.mount",
                    Action.BLOCKED,
                    None,
                    "/content/drive",
                    "not mounted; run this in a cell:\nfrom google.colab import drive\n"
                    "drive.mount('/content/drive')",
                ),
            ),
        ),
    ),
)


def probe(framework: str, version: str, **more: object) -> dict[str, object]:
    data = {"framework": framework, "version": version, "saw": ["Tesla T4"], "capability": "7.5"}
    return {**data, "dtypes": {"float32": {}, "float16": {}}, **more}


OUTCOMES = (
    Outcome(step="accelerator", status=Status.KEPT),
    Outcome(step="apt", status=Status.DONE, started=0.1, seconds=38.2),
    Outcome(step="jdk", status=Status.DONE, started=38.4, seconds=21.7),
    Outcome(step="pip", status=Status.DONE, started=0.1, seconds=17.9),
    Outcome(
        step="datasets.flowers",
        status=Status.DONE,
        started=0.2,
        seconds=52.3,
        notes=("sha256: 3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed",),
    ),
)
VERDICTS = (
    Verdict(
        address="accelerator.tensorflow",
        framework="tensorflow",
        passed=True,
        seconds=9.1,
        message="TensorFlow 2.19.0 computes on Tesla T4 (float32, float16)",
        data=probe("TensorFlow", "2.19.0", tflops=21.4, bandwidth=243.1),
    ),
    Verdict(
        address="accelerator.torch",
        framework="torch",
        passed=True,
        remembered=True,
        data=probe("PyTorch", "2.6.0+cu124"),
    ),
    Verdict(address="verify.cv2", passed=True, seconds=0.4),
    Verdict(address="jdk.javac", passed=True, seconds=0.3),
)
T4 = Gpu(index=0, name="Tesla T4", memory_total=15360 << 20, memory_free=15095 << 20, capability="7.5")
ATTACHED = Accelerators(gpus=(T4,), driver="580.82.07", cuda="13.0")
DONE = Report(
    plan=Plan(name="flowers", spec=PLAN.spec, digest="d", steps=PLAN.steps[:-1]),
    outcomes=OUTCOMES,
    verdicts=VERDICTS,
    accelerators=ATTACHED,
    seconds=71.3,
    log="/var/lib/provisioner/logs/20261122-101502.log",
    fingerprint="3f786850e387",
)
FAILED = Report(
    plan=PLAN,
    outcomes=(
        *OUTCOMES[:3],
        Outcome(
            step="pip",
            status=Status.FAILED,
            started=0.1,
            seconds=17.9,
            attempts=3,
            error="uv failed: exit code 2",
            hint="Free some space and run it again.",
            tail="Downloading numpy (16.2 MiB)\nerror: No space left on device (os error 28)",
        ),
        Outcome(step="datasets.flowers", status=Status.INTERRUPTED, started=0.2, seconds=52.3),
        Outcome(step="drive", status=Status.BLOCKED, error="not mounted; run this in a cell:\nimport x"),
        Outcome(step="run.train", status=Status.SKIPPED, error="not tried, because of pip"),
    ),
    residual=(Change("apt.ffmpeg", Action.UPDATE, "7:5.1.5", "7:5.1.6", "still the old one"),),
    verdicts=(
        *VERDICTS[1:],
        Verdict(
            address="accelerator.jax",
            framework="jax",
            passed=False,
            message="JAX sees no GPU",
            hint="Install jax[cuda12].",
            data=probe("JAX", "0.5.0", saw=[], dtypes={}),
        ),
        Verdict(address="verify.slow", passed=False, warning=True, message="took 9 s", seconds=9.0),
    ),
    seconds=80.0,
)
DEFERRED = Change(
    "pip",
    Action.DEFERRED,
    reason="what tool/requirements.txt asks for, known after git.tool",
    known_after=("git.tool",),
)
CHAIN = Plan(
    name="tool",
    spec="/content/colabenv.yaml",
    digest="d",
    steps=(
        Step(id="pip", entry="pip", changes=(DEFERRED,), after=("git.tool",), replan=True),
        Step(
            id="git.tool",
            entry="git.tool",
            changes=(Change("git.tool", Action.CREATE, None, "v1.2 at 114f2dff574b from example.org"),),
        ),
    ),
    named=(("pip", None), ("git.tool", "absent")),
)
"""A plan with a part that is only known later."""

ON_THE_WAY = Event(
    step="pip",
    what="planned",
    planned=(
        Step(
            id="pip",
            entry="pip",
            changes=(
                Change("pip.six", Action.CREATE, None, "1.17.0"),
                Change("pip.idna", Action.UPDATE, "3.20", "3.10"),
            ),
        ),
    ),
)
"""That part, when it is known."""

LIVE_VIEW = LiveView(steps=5, began=0.0)
for now, event in (
    (0.0, Event(step="apt", what="begin")),
    (0.1, Event(step="pip", what="begin")),
    (0.2, Event(step="datasets.flowers", what="begin")),
    (9.0, Event(step="apt", what="progress", done=42, total=100, text="Unpacking libopencv-dev")),
    (11.0, Event(step="datasets.flowers", what="progress", done=81_000_000, total=330_000_000)),
    (17.9, Event(step="pip", what="end", seconds=17.8, status=Status.DONE)),
):
    LIVE_VIEW = LIVE_VIEW.after(event, now)
