"""What every request passes: a GET that cannot write, a session or the sign-in page, the headers of every answer."""

from flask import Blueprint, Flask, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from secure import (
    ContentSecurityPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

from models.base import db
from models.session import read_only
from portal.config import Settings
from portal.vocabulary import Role
from portal.web.visitor import actor, signed_in

#: Blueprints that anybody may ask for: signing in, links of mails, the API with its own keys, styles and icons.
OPEN = ("entry", "by_mail", "api", "health", "bootstrap", "openapi")
READING = ("GET", "HEAD", "OPTIONS")


def headers(settings: Settings) -> Secure:
    """No inline script or style, no other origin, no framing, no referrer beyond this site."""
    policy = (
        ContentSecurityPolicy().default_src("'none'").script_src("'self'").style_src("'self'").img_src("'self'")
        .font_src("'self'").connect_src("'self'").form_action("'self'").base_uri("'none'").frame_ancestors("'none'")
    )  # fmt: skip
    strict = StrictTransportSecurity().max_age(31_536_000) if settings.base_url.startswith("https://") else None
    return Secure(
        csp=policy, xcto=XContentTypeOptions().nosniff(), xfo=XFrameOptions().deny(),
        referrer=ReferrerPolicy().same_origin(), hsts=strict,
    )  # fmt: skip


def install(app: Flask, settings: Settings) -> None:
    """Attach the gate to every request of the app."""
    secure_headers = headers(settings).headers

    @app.before_request
    def begin() -> ResponseReturnValue | None:
        if request.endpoint == "static" or request.blueprint == "bootstrap":
            return None
        if request.method in READING:
            read_only(db.session)
        if _is_open() or signed_in():
            return None
        return redirect(url_for("entry.sign_in", next=request.full_path if request.method == "GET" else None))

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in secure_headers.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static" and request.blueprint != "bootstrap":
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def _is_open() -> bool:
    blueprint = (request.blueprint or "").split(".")[0]
    return request.endpoint is None or blueprint in OPEN


def only(blueprint: Blueprint, *roles: Role) -> None:
    """Let only these roles into a blueprint; to others its pages do not exist."""

    @blueprint.before_request
    def check() -> None:
        if not signed_in() or actor().role not in roles:
            abort(404)


PARTNER = (Role.PARTNER_REP, Role.PARTNER_ADMIN)
STAFF = (Role.CHANNEL_MANAGER, Role.MARKETER, Role.ADMIN)
MANAGERS = (Role.CHANNEL_MANAGER, Role.ADMIN)
ADMINS = (Role.ADMIN,)
