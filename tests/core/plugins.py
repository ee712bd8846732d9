"""What a manager knows of the plugins that tests install."""

from avplug.core.registry import Registry

HEAD = "from avplug import CorruptionSpec, ModelSpec, hookimpl\n"


def record_of(manager, name):
    (record,) = [r for r in manager.records if r.distribution == name]
    return record


def names(manager, kind="corruption"):
    return [entry.qualified for entry in Registry(manager).entries(kind)]
