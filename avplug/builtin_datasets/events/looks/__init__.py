"""The eight looks of ``events``, each a moving thing known from any one frame."""

from __future__ import annotations

from avplug.builtin_datasets.events.looks.base import Look
from avplug.builtin_datasets.events.looks.bounce import Bounce
from avplug.builtin_datasets.events.looks.cross import Cross
from avplug.builtin_datasets.events.looks.flash import Flash
from avplug.builtin_datasets.events.looks.flit import Flit
from avplug.builtin_datasets.events.looks.peck import Peck
from avplug.builtin_datasets.events.looks.pulse import Pulse
from avplug.builtin_datasets.events.looks.spin import Spin
from avplug.builtin_datasets.events.looks.swing import Swing

#: Every look by name.
LOOKS: dict[str, type[Look]] = {
    "bounce": Bounce,
    "swing": Swing,
    "peck": Peck,
    "flit": Flit,
    "spin": Spin,
    "cross": Cross,
    "flash": Flash,
    "pulse": Pulse,
}
