"""Measuring: the yardstick, latencies, profiles, and the file of results."""

from __future__ import annotations

import cProfile
import io
import os
import platform
import pstats
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role, create_database, dsn
from karnet.wiring.postgres.database import drop_database
from karnet.wiring.postgres.software import client_program

_YARDSTICK_DATABASE = "karnet_yardstick"


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measured figure. `per_s` or `seconds`; `ratio` to the yardstick's rate (or to what `note` says); latencies in
    ms. `parts`: what it is made of, or measured beside, by name."""

    note: str
    per_s: float | None = None
    seconds: float | None = None
    ratio: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    aim: str = ""
    parts: dict[str, Figure] = {}


class Yardstick(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    per_s: float


class Results(msgspec.Struct, frozen=True, kw_only=True):
    machine: dict[str, Any]
    yardstick: Yardstick
    figures: dict[str, Figure]


def machine() -> dict[str, Any]:
    """Return what the figures were measured on (no host name, no path), and how busy it is: processes that want a core."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.processor()


def yardstick(installation: Installation, seconds: int) -> Yardstick:
    """Run `pgbench -N -c 32` (simple update) for a while on a scale-10 database of the same server."""
    drop_database(installation, _YARDSTICK_DATABASE)
    create_database(installation, _YARDSTICK_DATABASE)
    try:
        _pgbench(installation, "-i", "-q", "-s", "10")
        output = _pgbench(installation, "-N", "-c", "32", "-j", "2", "-T", str(seconds), "-n")
    finally:
        drop_database(installation, _YARDSTICK_DATABASE)
    found = re.search(r"tps = ([\d.]+)", output)
    if found is None:
        raise RuntimeError(f"pgbench said no rate:\n{output}")
    return Yardstick(name="pgbench -N -c 32", per_s=round(float(found.group(1)), 1))


def _pgbench(installation: Installation, *arguments: str) -> str:
    parts: dict[str, Any] = conninfo_to_dict(dsn(installation, Role.SUPERUSER, _YARDSTICK_DATABASE))
    environment = {**os.environ, "PGPASSWORD": str(parts.pop("password", None) or "")}
    command = [str(client_program("pgbench")), *arguments, make_conninfo(**parts)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def rate(count: int, seconds: float, against: Yardstick, note: str, *, aim: str = "") -> Figure:
    """Return a rate figure with its ratio to the yardstick."""
    per_s = count / seconds
    return Figure(note=note, per_s=round(per_s, 1), ratio=round(per_s / against.per_s, 3), aim=aim)


def rate_with_latency(
    seconds: Sequence[float], against: Yardstick, note: str, *, each: int = 1, aim: str = ""
) -> Figure:
    """Return a rate figure from the time of every call, `each` items a call."""
    figure = rate(each * len(seconds), sum(seconds), against, note, aim=aim)
    middle, late = latency(seconds)
    return msgspec.structs.replace(figure, p50_ms=middle, p99_ms=late)


def rate_at_once(
    seconds: Sequence[float], in_all: float, against: Yardstick, note: str, *, each: int = 1, aim: str = ""
) -> Figure:
    """Return a rate figure of calls that went on at the same time: what got done while `in_all` seconds passed."""
    figure = rate(each * len(seconds), in_all, against, note, aim=aim)
    middle, late = latency(seconds)
    return msgspec.structs.replace(figure, p50_ms=middle, p99_ms=late)


def latency(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile of some times, in ms."""
    ordered = sorted(seconds)
    middle, late = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 for part in (0.5, 0.99))
    return round(middle, 2), round(late, 2)


def timed(function: Callable[[], Any]) -> float:
    """Return the seconds a call took."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


@contextmanager
def profiled(file: Path, lines: int = 25) -> Any:
    """Profile the block and write its hottest functions as text; paths are cut to what follows the packages' root."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        text = io.StringIO()
        stats = pstats.Stats(profile, stream=text)
        stats.sort_stats("tottime").print_stats(lines)
        cut = re.sub(r"(?<=\s)/\S*?/(site-packages|src|lib/python3\.\d+)/", "", text.getvalue())
        file.write_text(cut, encoding="utf-8")


def write_results(results: Results, file: Path) -> None:
    """Write the results as indented JSON, in place of the last ones."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
