"""Processes that write to a folder, told apart across machines and containers.

A process id names a process within one kernel's namespace of processes: containers have
namespaces of their own, often with the same small numbers, and may share a host name
and a folder. The kernel's boot id and the namespace say when two ids can be compared.
"""

from __future__ import annotations

import datetime as dt
import functools
import getpass
import hashlib
import os
import secrets
import shlex
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_MACHINE = Path("/etc/machine-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A process that writes results.

    Args:
        host: Name of its machine or container.
        pid: As it sees itself.
        user: Who runs it.
        command: That started it.
        since: When it began to write, ISO 8601.
        kernel: Boot id of the kernel that it runs on; "" where none is told.
        namespace: Of its process id; "" where there are none.
        machine: Of the installation; "" where it has none, as in most containers.
        token: Drawn; tells two writers of one process apart.
    """

    host: str
    pid: int
    user: str
    command: str
    since: str
    kernel: str
    namespace: str
    machine: str
    token: str

    @classmethod
    def here(cls) -> Writer:
        """Return this process as a writer that begins now."""
        return cls(
            host=socket.gethostname(),
            pid=os.getpid(),
            user=_user(),
            command=command_line(),
            since=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            kernel=_read(_BOOT),
            namespace=_namespace(),
            machine=_read(_MACHINE),
            token=secrets.token_hex(8),
        )

    def describe(self) -> str:
        """Return who it is, in words."""
        return (
            f"process {self.pid} of {self.user} on {self.host}, since {self.since}: "
            f"{self.command}"
        )

    def shares_kernel(self, other: Writer) -> bool:
        """Whether a lock that the kernel keeps is seen by both."""
        if self.kernel or other.kernel:
            return self.kernel == other.kernel
        return self.host == other.host

    def before_restart(self, other: Writer) -> bool:
        """Whether it ran on the machine of another one before that was started anew."""
        same = bool(self.machine) and self.machine == other.machine
        return same and self.host == other.host and self.kernel != other.kernel

    def ended(self, other: Writer) -> bool:
        """Whether it is known to be no more, by one that looks at the process ids."""
        if self.before_restart(other):
            return True
        comparable = self.shares_kernel(other) and self.namespace == other.namespace
        return comparable and not alive(self.pid)


def command_line() -> str:
    """Return the command that started this process, as a shell takes it."""
    name, *arguments = sys.argv or [""]
    program = "avplug" if Path(name).name in ("avplug", "__main__.py") else name
    return shlex.join([program, *arguments])


def alive(pid: int) -> bool:
    """Return whether a process of this namespace exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@functools.cache
def place() -> str:
    """Return a name of the namespace of process ids that this process is in."""
    parts = (socket.gethostname(), _read(_BOOT), _namespace())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _namespace() -> str:
    try:
        return os.readlink(_NAMESPACE)
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under an id that has no name.
        return str(os.getuid()) if hasattr(os, "getuid") else ""
