"""From an upload form to a bundle: one archive, some files, or a whole folder.

Browsers send each file of a folder with its path as the file name. Django keeps the last
part of it only, so the path is noted here while the request is read. What the paths may be
is decided by `backpath.execution.bundle`; nothing is ever stored under them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import (
    FileUploadHandler,
    MemoryFileUploadHandler,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.http.request import QueryDict
from django.utils.datastructures import MultiValueDict

from backpath.core.errors import LearnerError
from backpath.execution.bundle import (
    Bundle,
    BundleLimits,
    bundle_from_files,
    is_archive_name,
    read_bundle,
)
from backpath.grading.models import Submission

FILES_FIELD: Final = "files"
FOLDER_FIELD: Final = "folder"
FOREIGN_ARCHIVES: Final = (".rar", ".7z", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".zipx")
# What the form's own fields and the headers of up to 2,100 parts may add to the files.
OVERHEAD_BYTES: Final = 2 * 1024 * 1024


class UploadRefused(LearnerError):
    """The request is too large to be read."""

    code = "upload-refused"


class UploadBroken(UploadRefused):
    """The request ended early or is no multipart body."""

    code = "upload-broken"


class NothingChosen(LearnerError):
    """The form came without a file, or with an archive and a folder at once."""

    code = "nothing-chosen"


@dataclass(frozen=True)
class Upload:
    """Files of one request with their paths, in the order they were sent."""

    source: Submission.Source
    files: tuple[tuple[str, UploadedFile[Any]], ...]


class _PathKeepingParser(MultiPartParser):
    def sanitize_file_name(self, file_name: str) -> str | None:
        """Keep the whole path; an empty file input has none."""
        return file_name or None


class _PathRecorder(FileUploadHandler):
    """Notes the path of every file, field by field, and leaves the files to other handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: dict[str, list[str]] = {}

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        self.paths.setdefault(field_name, []).append(file_name)
        super().new_file(field_name, file_name, *args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:  # noqa: ARG002 - Django's signature
        return raw_data

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002 - Django's signature
        return None


class FolderUploadHandler(FileUploadHandler):
    """Reads the whole request with a parser that keeps paths.

    Put it first among `request.upload_handlers` before `request.POST` is touched. `paths`
    maps a field's name to the paths of its files, in the order of `request.FILES`.
    """

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self._recorder = _PathRecorder()

    @property
    def paths(self) -> dict[str, list[str]]:
        return self._recorder.paths

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 - Django's name
        content_length: int,  # noqa: ARG002 - Django's signature
        boundary: str,  # noqa: ARG002 - Django's signature
        encoding: str | None = None,
    ) -> tuple[QueryDict, MultiValueDict[str, UploadedFile[Any]]]:
        handlers = [
            self._recorder,
            MemoryFileUploadHandler(self.request),
            TemporaryFileUploadHandler(self.request),
        ]
        return _PathKeepingParser(META, input_data, handlers, encoding).parse()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:  # noqa: ARG002 - Django's signature
        return raw_data

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002 - Django's signature
        return None


def read_request(request: HttpRequest, limits: BundleLimits) -> Callable[[], Upload]:
    """Read a request's body within limits and return what gives the upload in it.

    Must run before anything touches `request.POST`. Raises `UploadRefused` or `UploadBroken`
    in words for the learner where Django would answer 400 without any.
    """
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > limits.packed_bytes + OVERHEAD_BYTES:
        megabytes = limits.packed_bytes // (1024 * 1024)
        raise UploadRefused(f"The upload is larger than {megabytes} MB, so it was not read.")
    handler = FolderUploadHandler(request)
    request.upload_handlers.insert(0, handler)
    try:
        files = request.FILES
    except TooManyFilesSent as error:
        raise UploadRefused(
            f"The upload has more than {limits.files:,} files, so it was not read. Leave out "
            "folders such as .venv, node_modules and .git, or hand in a zip."
        ) from error
    except (TooManyFieldsSent, RequestDataTooBig, MultiPartParserError) as error:
        raise UploadBroken(
            "The upload did not arrive whole, so it was not read. Try it once more."
        ) from error
    return lambda: _upload(files, handler.paths)


def _upload(files: MultiValueDict[str, UploadedFile[Any]], paths: dict[str, list[str]]) -> Upload:
    def named(field: str) -> tuple[tuple[str, UploadedFile[Any]], ...]:
        return tuple(zip(paths.get(field, []), files.getlist(field), strict=True))

    loose, folder = named(FILES_FIELD), named(FOLDER_FIELD)
    if loose and folder:
        raise NothingChosen("Choose either files or a folder, not both.")
    if folder:
        return Upload(Submission.Source.FOLDER, folder)
    if not loose:
        raise NothingChosen("Choose an archive, some files or a folder first.")
    is_archive = len(loose) == 1 and _is_meant_as_archive(loose[0][0])
    return Upload(Submission.Source.ARCHIVE if is_archive else Submission.Source.FILES, loose)


def _is_meant_as_archive(name: str) -> bool:
    """Whether to read it as an archive, or to be told that its kind is not taken."""
    return is_archive_name(name) or name.lower().endswith(FOREIGN_ARCHIVES)


def make_bundle(upload: Upload, limits: BundleLimits) -> Bundle:
    """Return the bundle of an upload. Raises `BundleRefused`."""
    if upload.source == Submission.Source.ARCHIVE:
        [(name, file)] = upload.files
        return read_bundle(cast(BinaryIO, file), name, limits)
    return bundle_from_files([(path, cast(BinaryIO, file)) for path, file in upload.files], limits)
