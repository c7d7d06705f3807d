"""Which encoding a text file is in, told or found out, and the file opened with it."""

from __future__ import annotations

import codecs
import gzip
from typing import TYPE_CHECKING, BinaryIO, cast

import attrs

from leadfold.exceptions import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import TextIO

__all__ = ["Encoding", "find_encoding", "is_gzipped", "open_text"]

_CHUNK = 1 << 20

# UTF-32 before UTF-16: the little-endian mark of the one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@attrs.frozen
class Encoding:
    """A codec's name, and a line for the user where it is a guess."""

    name: str
    note: str | None = None


def is_gzipped(path: Path) -> bool:
    """Tell whether the name of *path* says that it is compressed."""
    return path.suffix.lower() == ".gz"


def open_text(path: Path, encoding: str, newline: str = "") -> TextIO:
    """Open *path* for reading; what is no text in it becomes lone surrogates."""
    if is_gzipped(path):
        return gzip.open(path, "rt", encoding=encoding, errors="surrogateescape", newline=newline)
    return path.open(encoding=encoding, errors="surrogateescape", newline=newline)


def find_encoding(path: Path, told: str | None = None) -> Encoding:
    """Return the encoding of *path*: as *told*, by its byte-order mark, or by all its bytes.

    A file without a mark is UTF-8 if its bytes are, but for a stray few; else Windows-1252, or
    Latin-1 where it has bytes that Windows-1252 lacks. The whole file is looked at: the first
    accent may stand in its last line.
    """
    if told is not None:
        return Encoding(_known(path, told))
    with _open_bytes(path) as file:
        start = file.read(4)
        for mark, name in _MARKS:
            if start.startswith(mark):
                return Encoding(name)
        file.seek(0)
        return _by_content(path, iter(lambda: file.read(_CHUNK), b""))


def _open_bytes(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if is_gzipped(path) else path.open("rb")


def _known(path: Path, told: str) -> str:
    """Return the name of the codec *told*, or refuse a name that no text codec has."""
    try:
        "".encode(told)
    except (LookupError, ValueError) as e:
        msg = f"{path}: {told!r} is no text encoding: try utf-8, utf-16, cp1252 or latin-1"
        raise UnreadableFileError(msg) from e
    name = codecs.lookup(told).name
    return "utf-8-sig" if name == "utf-8" else name  # a mark, if there, is no part of the header


def _by_content(path: Path, chunks: Iterable[bytes]) -> Encoding:
    """Weigh the bytes of a file without a mark."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    letters = strays = 0
    unknown = False
    for chunk in _with_end(chunks):
        if b"\0" in chunk:
            _refuse_nuls(path, chunk)
        if chunk.isascii() and chunk and not decoder.getstate()[0]:
            continue
        text = decoder.decode(chunk, final=not chunk)
        beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
        stray = len(text) - len(text.encode("utf-8", "ignore").decode())
        letters, strays = letters + beyond_ascii - stray, strays + stray
        unknown = unknown or bool(stray and _lacks_cp1252(chunk))
    return _judge(path, letters, strays, unknown=unknown)


def _with_end(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *chunks* and an empty one, which tells a decoder that no more come."""
    yield from chunks
    yield b""


def _judge(path: Path, letters: int, strays: int, *, unknown: bool) -> Encoding:
    """Choose by how many bytes made letters of UTF-8 and how many did not."""
    if strays == 0:
        return Encoding("utf-8")
    if letters > strays:
        return Encoding("utf-8", f"{path}: read as UTF-8, though {strays} bytes of it are not")
    name = "latin-1" if unknown else "cp1252"
    note = f"{path}: not UTF-8: read as {name}; if its accents look wrong, give --encoding"
    return Encoding(name, note)


def _lacks_cp1252(chunk: bytes) -> bool:
    return any(byte in chunk for byte in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"))


def _refuse_nuls(path: Path, chunk: bytes) -> None:
    """Refuse a file with so many NULs that it must be UTF-16 without a mark, or no text."""
    if chunk.count(0) * 10 > len(chunk):
        msg = (
            f"{path}: full of NUL bytes: no text, or UTF-16 without a byte-order mark; "
            "if so give --encoding utf-16-le"
        )
        raise UnreadableFileError(msg)
