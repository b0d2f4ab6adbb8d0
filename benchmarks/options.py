"""What a run was asked for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """``quick``: sizes that show that it works and say nothing about speed."""

    sections: tuple[str, ...]
    databases: tuple[str, ...]
    quick: bool = False
