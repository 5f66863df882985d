"""How the server is, for programs and for people."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import msgspec
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from karnet.faces.base.access import signed_in
from karnet.journal.selectors import Progress, progress
from karnet.wiring.installation import Installation
from karnet.wiring.serve.keeping import commits_are_held_up
from karnet.wiring.serve.report import State, read_report, roles

_WELL = (State.RUNNING, State.STARTING)


def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the database answers, else 503, with everything that is not as it should be in words.

    `status`: "ok"; "degraded" while selling goes on but a process does not work (the sealer refuses, say); "down".
    """
    found = examine()
    response = HttpResponse(msgspec.json.encode(found), content_type="application/json")
    response.status_code = 503 if found["status"] == "down" else 200
    response["Cache-Control"] = "no-store"
    return response


@signed_in
def status(request: HttpRequest) -> HttpResponse:
    """A page that says what answers here and how it is."""
    return render(request, "karnet/status.html", {"found": examine()})


def examine() -> dict[str, Any]:
    """Return what /health shows."""
    installation = Installation.load()
    log, trouble = _log()
    processes = _processes(installation)
    held_up = commits_are_held_up(installation)
    well = not held_up and all(report["state"] in _WELL for role, report in processes.items() if role != "web")
    return {
        "status": "down" if log is None else "ok" if well else "degraded",
        "name": installation.name,
        "version": importlib.metadata.version("karnet"),
        "database": {
            "ok": log is not None,
            **({"what": trouble} if trouble else {}),
            **({"commits_wait_for_a_standby": True} if held_up else {}),
        },
        "log": msgspec.to_builtins(log) if log else None,
        "processes": processes,
    }


def _log() -> tuple[Progress | None, str]:
    try:
        return progress(), ""
    except (DatabaseError, InterfaceError) as error:
        return None, str(error).strip()


def _processes(installation: Installation) -> dict[str, Any]:
    reports = {role: read_report(installation, role) for role in roles(installation)}
    return {role: msgspec.to_builtins(report) if report else {"state": "absent"} for role, report in reports.items()}
