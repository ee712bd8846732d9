"""``avplug`` called inside the test process, with plugins that its arguments name."""

from typer.testing import CliRunner

from avplug.cli.app import build_app


def call(*words):
    """Run ``avplug`` with these arguments, of any type that has a text."""
    arguments = [str(word) for word in words]
    return CliRunner().invoke(build_app(arguments), arguments)
