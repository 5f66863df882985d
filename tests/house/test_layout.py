"""The house stays livable: layers of tables, size of files, dependencies with a reason, links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).parents[2]
SLICES = [app.label for app in apps.get_app_configs() if app.name.startswith("karnet.")]


def test_foreign_keys_point_down_only() -> None:
    for model in apps.get_models():
        label = model._meta.app_label
        if label not in SLICES:
            continue
        for field in model._meta.get_fields():
            target = getattr(field, "remote_field", None) and field.related_model
            if target is None or field.auto_created or target._meta.app_label not in SLICES:
                continue
            assert SLICES.index(target._meta.app_label) <= SLICES.index(label), f"{model.__name__}.{field.name}"


def test_no_file_is_longer_than_500_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for folder in ("src", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > 500
    ]
    assert not long


def test_rules_and_operations_import_neither_django_nor_clock_nor_socket() -> None:
    forbidden = re.compile(
        r"^\s*(?:from|import) (django|psycopg|socket|random|secrets|time\b|os\b|karnet\.\w+\.models)", re.M
    )
    for path in [
        *(ROOT / "src").rglob("rules.py"),
        *(ROOT / "src").rglob("operations.py"),
        *(ROOT / "src").glob("karnet/*/rules/*.py"),
    ]:
        found = forbidden.search(path.read_text())
        assert not found, f"{path.relative_to(ROOT)}: {found.group(0) if found else ''}"


def test_there_is_no_utils_module() -> None:
    assert not [path for path in (ROOT / "src").rglob("*.py") if path.stem in ("utils", "helpers", "common", "misc")]


def test_every_dependency_has_a_reason() -> None:
    reasons = (ROOT / "docs" / "decisions" / "0003-dependencies.md").read_text().lower()
    for name in ("runtime", "dev", "bootstrap"):
        for line in (ROOT / "requirements" / f"{name}.in").read_text().splitlines():
            package = re.match(r"[A-Za-z0-9-]+", line)
            if package and not line.startswith(("#", "-")):
                assert f"`{package.group(0).lower()}`" in reasons, (
                    f"{package.group(0)} has no line in 0003-dependencies.md"
                )


def test_links_in_the_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} → {target}"
