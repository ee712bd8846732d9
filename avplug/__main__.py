"""``python -m avplug`` is the ``avplug`` command."""

from avplug.cli import main

if __name__ == "__main__":
    main()
