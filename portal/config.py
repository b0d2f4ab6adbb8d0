"""Settings from the environment (``FAIRLEAD_…``), typed, refused with one clear sentence where they are wrong."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ("development", "production")
DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")


class ConfigError(ValueError):
    """A setting that cannot be used; its text is the one sentence to show before the start is given up."""


@dataclass(frozen=True)
class Settings:
    """What an installation sets. Names are those of the environment without the prefix, lower case."""

    env: str = "development"
    database_url: str = ""
    redis_url: str = ""
    secret_key: str = field(default="", repr=False)
    base_url: str = "http://127.0.0.1:8000"
    smtp_url: str = field(default="", repr=False)
    mail_from: str = "Fairlead <fairlead@localhost>"
    vendor: str = "The vendor"
    timezone: str = "UTC"
    sweep_seconds: int = 5
    var_dir: str = str(ROOT / "var")
    rate_limit: str = ""
    metrics: str = field(default="", repr=False)
    testing: bool = False

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def var(self) -> Path:
        return Path(self.var_dir)


def load(overrides: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment, overridden by ``overrides`` (the same names, lower case, no prefix).

    Raises ConfigError with one sentence that names the variable and says what it takes.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {
        f.name: environ[f"FAIRLEAD_{f.name.upper()}"]
        for f in fields(Settings)
        if environ.get(f"FAIRLEAD_{f.name.upper()}")
    }
    unknown = set(overrides or {}) - {f.name for f in fields(Settings)}
    if unknown:
        raise ConfigError(f"There is no setting named {', '.join(sorted(unknown))}.")
    values.update({k: v for k, v in (overrides or {}).items() if v is not None})
    settings = Settings(**{name: _typed(name, value) for name, value in values.items()})  # type: ignore[arg-type]
    _check(settings)
    return _filled(settings)


def _typed(name: str, value: object) -> object:
    kind = type(getattr(Settings, name, ""))
    if name == "testing":
        return str(value).lower() in ("1", "true", "yes")
    if kind is not int:
        return str(value)
    if not str(value).isdigit() or int(str(value)) < 1:
        raise ConfigError(f"FAIRLEAD_{name.upper()} must be a whole number of 1 or more, not {value!r}.")
    return int(str(value))


def _check(settings: Settings) -> None:
    if settings.env not in ENVIRONMENTS:
        raise ConfigError(f"FAIRLEAD_ENV must be development or production, not {settings.env!r}.")
    if settings.production and not settings.secret_key:
        raise ConfigError("FAIRLEAD_SECRET_KEY must be set in production: any long random text that stays the same.")
    if settings.production and len(settings.secret_key) < 16:
        raise ConfigError("FAIRLEAD_SECRET_KEY is too short for production: use at least 16 characters.")
    if settings.metrics not in ("", "off") and len(settings.metrics) < 16:
        raise ConfigError("FAIRLEAD_METRICS must be off, or a token of at least 16 characters that a scraper sends.")
    _check_url("DATABASE_URL", settings.database_url, DATABASES)
    _check_url("REDIS_URL", settings.redis_url, ("redis", "rediss", "unix", "valkey"))
    _check_url("SMTP_URL", settings.smtp_url, ("smtp", "smtps"))
    _check_url("BASE_URL", settings.base_url, ("http", "https"))
    _check_zone(settings.timezone)


def _check_url(name: str, value: str, schemes: tuple[str, ...]) -> None:
    if not value:
        return
    parts = urlsplit(value)
    complete = bool(parts.netloc) or parts.scheme in ("sqlite", "unix")
    if parts.scheme not in schemes or not complete:
        forms = " or ".join(f"{scheme}://…" for scheme in schemes)
        raise ConfigError(f"FAIRLEAD_{name} must look like {forms}.")


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f"FAIRLEAD_TIMEZONE names no time zone: {name!r}. Use a name such as Europe/Berlin."
        ) from error


def _filled(settings: Settings) -> Settings:
    from dataclasses import replace

    url = settings.database_url or f"sqlite:///{settings.var / 'fairlead.sqlite3'}"
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    if url.startswith("sqlite:///") and settings.var_dir in url:
        settings.var.mkdir(parents=True, exist_ok=True)
    return replace(settings, database_url=url, secret_key=settings.secret_key or _kept_secret(settings.var))


def _kept_secret(var: Path) -> str:
    """The development secret, made once and kept, so that sessions survive a restart."""
    path = var / "secret_key"
    var.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()
