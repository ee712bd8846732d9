"""The other process that components are made in."""

import numpy as np
import pytest
import torch

from avplug import CorruptionSpec
from avplug.testing.checks import Subject, Violation
from avplug.testing.elsewhere import same_elsewhere

SPEC = CorruptionSpec("sound", f"{__name__}:Sound", "Makes tensors")


class Sound:
    pass


class SwitchesGradientsOff:
    def __init__(self):
        torch.set_grad_enabled(False)


def gradients(subject):
    subject.make()
    return {"grad mode": np.array([torch.is_grad_enabled()])}


def made(subject):
    subject.make()
    return {}


def test_a_component_does_not_spoil_the_process_for_the_next():
    with torch.enable_grad():
        same_elsewhere(Subject(SPEC, SwitchesGradientsOff), made)
    same_elsewhere(Subject(SPEC, Sound), gradients)
    # As it is here, and not because everything is: another answer is told.
    with torch.no_grad(), pytest.raises(Violation, match="grad mode, bool"):
        same_elsewhere(Subject(SPEC, Sound), gradients)
