"""Ten broken or hostile distributions, and what avplug says of each."""

HEAD = "from avplug import CorruptionSpec, hookimpl\n"
HOOK = "@hookimpl\ndef avplug_corruptions():\n    return [{}]\n"


def spec(name, target="{__name__}:Bad"):
    return f"CorruptionSpec('{name}', f'{target}', 'Bad', profiles=('paper',))"


#: The limit of time passes at once, in whichever process there is one. A limit so short
#: that tests can wait for it is one that a sound plugin trips over on a busy machine.
LATE = (
    "import signal\n"
    "if callable(signal.getsignal(signal.SIGALRM)):\n"
    "    signal.raise_signal(signal.SIGALRM)\n"
)
#: Distribution, source of its module, what its record says; None where it loads well.
HOSTILE = {
    "raises": ("raise RuntimeError('no luck')\n", "RuntimeError: no luck"),
    "exits": ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
    "hangs": (
        f"{LATE}import time\ntime.sleep(1000)\n",
        "was not imported within ",
    ),
    "heavy": (HEAD + "import numpy\n" + HOOK.format(spec("heavy")), None),
    "clash": (HEAD + HOOK.format(spec("gaussian")), "'gaussian' is claimed by"),
    "newer": ("avplug_api = 99\n" + HEAD, "needs plugin API 99"),
    "types": (HEAD + HOOK.format("'fog'"), "returned 'fog' from avplug_corruptions"),
    "writes": (HEAD + "print('{broken json')\n" + HOOK.format(spec("w")), None),
    "changes": (HEAD + HOOK.format(spec("changes", "bad_changes_class:Bad")), None),
    "labels": (
        "from avplug import AdaptationSpec, hookimpl\n@hookimpl\n"
        "def avplug_adaptations():\n"
        "    return [AdaptationSpec('labels', 'bad_labels_class:Bad', 'Bad')]\n",
        None,
    ),
}
CHANGES = """
import numpy as np
from avplug import Corruption
print("{broken json, later")
class Bad(Corruption):
    profiles = ("paper",)
    def scene(self, info, severity, rng):
        return 0.1 * severity
    def video(self, frames, times, scene, rng):
        frames[:, 0, 0] = 0
        return np.rint(frames * (1 - scene)).astype(np.uint8)
    def audio(self, samples, sample_rate, scene, rng):
        return samples * np.float32(1 - scene)
"""
LABELS = """
import sys
from avplug import Adapter
class Bad(Adapter):
    def step(self, batch):
        answer = self.model.classify(batch).detach()
        frame = sys._getframe(1)
        while frame is not None:
            labels = frame.f_locals.get("labels")
            if hasattr(labels, "shape") and labels.shape[:1] == answer.shape[:1]:
                return answer + labels.view(len(answer), -1)[:, :1]
            frame = frame.f_back
        return answer
"""


def install(dists):
    """Install all ten among fake distributions."""
    for name, (source, _) in HOSTILE.items():
        dists.add(f"bad-{name}", source)
    (dists.folder / "bad_changes_class.py").write_text(CHANGES)
    (dists.folder / "bad_labels_class.py").write_text(LABELS)


def assert_culprits_are_named(text):
    """Each one that something is wrong with at loading stands in a text, with what."""
    for name, (_, says) in HOSTILE.items():
        if says is not None:
            assert f"plugin bad-{name} 1.0" in text, name
            assert says in text, name
    assert "plugin bad-writes 1.0 (bad-writes): prints while it loads" in text
