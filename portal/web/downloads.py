"""Handing out the evidence of an appeal: always as a download, never shown as a page of ours."""

from io import BytesIO

from flask import Response, abort, send_file
from werkzeug.datastructures import FileStorage

from models.appeals import Appeal, AppealFile
from models.base import db
from portal.compliance.appeals import File
from portal.compliance.evidence import LARGEST


def download(appeal: Appeal) -> Response:
    """The file of an appeal that the visitor may see; 404 where it has none.

    As an attachment under its cleaned name; the gate adds nosniff and a policy that lets nothing run.
    """
    kept = db.session.get(AppealFile, appeal.id) or abort(404)
    answer = send_file(
        BytesIO(kept.content), mimetype=kept.media_type, as_attachment=True, download_name=kept.name, etag=False
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def sent(upload: FileStorage | None) -> File | None:
    """An upload, read up to one byte more than may be; None where none was chosen."""
    if upload is None or not upload.filename:
        return None
    try:
        return File(upload.filename, upload.stream.read(LARGEST + 1))
    finally:
        upload.close()
