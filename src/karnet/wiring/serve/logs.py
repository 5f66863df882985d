"""Logs: each process writes JSON lines to `logs/<role>.log`, and the same in words to its terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import click
import structlog

from karnet.wiring import clock
from karnet.wiring.installation import Installation

_LIMIT_BYTES = 20 * 2**20
_COLOURS = {"warning": "yellow", "error": "red", "critical": "red"}

Event = MutableMapping[str, Any]
Logger = structlog.typing.FilteringBoundLogger


def start_logging(installation: Installation, role: str) -> Logger:
    """Send what this process logs (structlog, and warnings of libraries) to its file and its terminal.

    A full or vanished disk never stops the process: then the terminal alone is written.
    """
    file = _File(installation.logs_dir / f"{role}.log")

    def to_both(logger: Any, method: str, event: Event) -> str:
        line: str = structlog.processors.JSONRenderer()(logger, method, dict(event))  # type: ignore[assignment]
        file.write(line)
        return _in_words(role, event)

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _timed,
            structlog.processors.format_exc_info,
            to_both,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    log: Logger = structlog.get_logger()
    logging.root.handlers = [_Forward(log)]
    logging.root.setLevel(logging.WARNING)
    logging.getLogger("django.request").setLevel(logging.ERROR)  # A page that is not there is the asker's error.
    return log


def _timed(logger: Any, method: str, event: Event) -> Event:
    event["at"] = clock.now().isoformat(timespec="milliseconds")
    return event


def _in_words(role: str, event: Event) -> str:
    known = ("event", "at", "level", "do", "exception")
    extra = "".join(f" {name}={value}" for name, value in event.items() if name not in known)
    what = click.style(str(event["event"]), fg=_COLOURS.get(event["level"]))
    lines = [f"{event['at'][11:19]} {role:<6} {what}{extra}"]
    lines += [f"{'':<15} {click.style('→', bold=True)} {event['do']}"] if event.get("do") else []
    lines += [event["exception"]] if event.get("exception") else []
    text = "\n".join(lines)
    return text if sys.stderr.isatty() else click.unstyle(text)


class _File:
    """An append-only log file; at 20 MB it becomes `.1` and a new one is begun."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: str) -> None:
        try:
            if self.path.exists() and self.path.stat().st_size > _LIMIT_BYTES:
                self.path.replace(self.path.with_suffix(".log.1"))
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:
            return


class _Forward(logging.Handler):
    """Libraries log through the standard library; what they say goes the same way."""

    def __init__(self, log: Logger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level = logging.getLevelName(min(record.levelno, logging.ERROR)).lower()
        self._log.log(
            getattr(logging, level.upper(), logging.WARNING),
            record.getMessage(),
            source=record.name,
            exc_info=record.exc_info,
        )
