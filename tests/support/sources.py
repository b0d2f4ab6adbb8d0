"""The project's own files, as structure tests read them."""

import ast
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What a checkout holds beside the project when it did not come through git.
NOT_OURS = {".git", ".venv", "var", "node_modules", "__pycache__"}


@cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project, new ones included, what is ignored left out."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split("\0")  # fmt: skip
        return tuple(ROOT / name for name in listed if name and (ROOT / name).is_file())
    return tuple(path for path in ROOT.rglob("*") if path.is_file() and not _foreign(path))


def _foreign(path: Path) -> bool:
    return any(
        part in NOT_OURS or (part.startswith(".") and part != ".ci") for part in path.relative_to(ROOT).parts[:-1]
    )


@cache
def product_modules() -> tuple[Path, ...]:
    """The Python modules of the product: the app, the rooms and the tables."""
    names = ("app.py", "models/**/*.py", "portal/**/*.py")
    return tuple(sorted(path for name in names for path in ROOT.glob(name) if path.is_file()))


def module_name(path: Path) -> str:
    """``portal/deadlines/policy.py`` is ``portal.deadlines.policy``; a package is named by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports_of(path: Path) -> set[str]:
    """The full names of what a module imports, ``from a import b`` as ``a.b``."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
