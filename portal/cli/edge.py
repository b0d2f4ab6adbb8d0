"""Where a command meets the app: made late, from any folder, and its refusals told in one sentence."""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from portal.config import ROOT, ConfigError
from portal.errors import Refusal

if TYPE_CHECKING:
    from flask import Flask

T = TypeVar("T")
REFUSED, UNUSABLE = 1, 2


def load_app(settings: Mapping[str, object] | None = None, *, doors: bool = False) -> "Flask":
    """The app of the command at hand: the one that Flask's own command line loaded, else a new one.

    ``doors``: with screens and API, for who serves them; other commands come up sooner without.
    Imported here and by name, since ``app`` stands above every room. Raises ConfigError.
    """
    context = click.get_current_context(silent=True)
    load: Callable[[], Flask] | None = getattr(context.find_root().obj, "load_app", None) if context else None
    if load is not None and settings is None:
        return load()
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    assembly = importlib.import_module("app")
    made: Flask = (assembly.create_app if doors else assembly.core_app)(settings)
    return made


def in_app(work: Callable[[], T]) -> T:
    """``work`` inside the app's context."""
    with load_app().app_context():
        return work()


class Told(click.Command):
    """A command whose refusals are sentences, never tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exits 1 where it is refused, 2 where settings or database cannot be used."""
        with told():
            return super().invoke(ctx)


@contextmanager
def told() -> Iterator[None]:
    """Turns what a person can put right into one sentence on stderr and an exit code."""
    try:
        yield
    except ConfigError as error:
        leave(str(error), UNUSABLE)
    except Refusal as error:
        leave(str(error), REFUSED)
    except Exception as error:
        sentence = _about_database(error)
        if sentence is None:
            raise
        leave(sentence, UNUSABLE)


def leave(sentence: str, code: int) -> NoReturn:
    """Say why on stderr, and go."""
    click.echo(sentence, err=True)
    sys.exit(code)


def _about_database(error: Exception) -> str | None:
    """The sentence for a database that cannot be reached or has no tables yet; None for any other trouble."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    if not isinstance(error, OperationalError | ProgrammingError):
        return None
    words = str(error.orig).strip()
    if "no such table" in words or "UndefinedTable" in type(error.orig).__name__:
        return "The database has no tables yet: run fairlead db upgrade."
    if isinstance(error, OperationalError):
        first = words.splitlines()[0] if words else str(error)
        return f"The database at FAIRLEAD_DATABASE_URL cannot be used: {first}"
    return None
