"""The ``system`` namespace: what this machine is and how busy it is."""

import os
import platform
import shutil
import time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from desk.errors import OfficeError
from desk.servers.hosting import Setting, reads, serve

_PROC = Path("/proc")


class Machine(BaseModel):
    """The machine in words."""

    system: str
    release: str
    architecture: str
    hostname: str
    cpu_count: int
    python: str
    load_average: Annotated[list[float], Field(description="Load over 1, 5 and 15 minutes")]
    uptime_seconds: Annotated[int, Field(description="Seconds since the start; 0 if unknown")]


class DiskUsage(BaseModel):
    """The disk that holds a folder, in bytes."""

    path: str
    total: int
    used: int
    free: int
    percent_used: float


class MemoryUsage(BaseModel):
    """The main memory, in bytes."""

    total: int
    available: int
    percent_used: float


class Process(BaseModel):
    """One running program."""

    pid: int
    name: str
    memory: Annotated[int, Field(description="Resident memory in bytes")]


class Processes(BaseModel):
    """Running programs, the largest first."""

    count: int
    processes: list[Process]


class System:
    """The tools over the kernel's own figures."""

    def __init__(self, setting: Setting) -> None:
        self._roots = setting.roots

    @reads
    def get_system_info(self) -> Machine:
        """Get the operating system, processor count, load and uptime of this computer."""
        return Machine(
            system=platform.system(),
            release=platform.release(),
            architecture=platform.machine(),
            hostname=platform.node(),
            cpu_count=os.cpu_count() or 1,
            python=platform.python_version(),
            load_average=[round(load, 2) for load in os.getloadavg()],
            uptime_seconds=int(time.clock_gettime(time.CLOCK_BOOTTIME))
            if hasattr(time, "CLOCK_BOOTTIME")
            else 0,
        )

    @reads
    def get_disk_usage(
        self, path: Annotated[str, Field(description="Absolute path of a folder on the disk")]
    ) -> DiskUsage:
        """Get the total, used and free space of the disk that holds a folder."""
        folder = self._roots.folder(path)
        usage = shutil.disk_usage(folder)
        return DiskUsage(
            path=str(folder),
            total=usage.total,
            used=usage.used,
            free=usage.free,
            percent_used=round(100 * usage.used / usage.total, 1),
        )

    @reads
    def get_memory_usage(self) -> MemoryUsage:
        """Get the total and the available main memory of this computer."""
        fields = _fields(_proc_file("meminfo"))
        total, available = (fields[name] * 1024 for name in ("MemTotal", "MemAvailable"))
        return MemoryUsage(
            total=total,
            available=available,
            percent_used=round(100 * (1 - available / total), 1),
        )

    @reads
    def list_processes(
        self, limit: Annotated[int, Field(ge=1, le=200, description="Most programs to list")] = 20
    ) -> Processes:
        """List the running programs that use the most memory."""
        _proc_file("meminfo")
        found = [process for entry in _PROC.glob("[0-9]*") if (process := _process(entry))]
        found.sort(key=lambda process: (-process.memory, process.pid))
        return Processes(count=len(found), processes=found[:limit])


def _proc_file(name: str) -> str:
    try:
        return (_PROC / name).read_text()
    except FileNotFoundError as error:
        raise OfficeError(f"This system has no /proc/{name}; the figure is unknown.") from error


def _fields(text: str) -> dict[str, int]:
    rows = (line.split() for line in text.splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


def _process(entry: Path) -> Process | None:
    try:
        name = (entry / "comm").read_text().strip()
        memory = _fields((entry / "status").read_text()).get("VmRSS", 0) * 1024
    except OSError:
        # It ended while we looked.
        return None
    return Process(pid=int(entry.name), name=name, memory=memory)


if __name__ == "__main__":
    serve("system", "Tell what this computer is and how busy it is.", System)
