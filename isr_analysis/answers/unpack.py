"""What lies under compression and encodings: the texts of a body."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pyarrow as pa

from isr_analysis.errors import AnswerError

_MANY = 0xFFFF  # files of a zip file, or more, which are then counted elsewhere
_TAR_END = 1024  # zeros
_DEEPEST = 4  # gzip of the transfer, around a .gz file, in a .zip
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_OF_BYTES = re.compile(r"(?:iso[_-]?8859|latin|windows-?125|cp125|l1$|macintosh)")
"""Charsets in which each byte is a letter."""

_NO_DATA = re.compile(r"(?:.*/)?(?:__MACOSX/.*|\.[^/]*|(?:readme|licen[cs]e|copying|notice)(?:\.\w+)?)", re.IGNORECASE)
"""Names of files that are packed beside data: what there is to read, and what a machine leaves."""

_BROKEN = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, MemoryError, zlib.error, lzma.LZMAError,
    zipfile.BadZipFile, tarfile.TarError, struct.error, LookupError, pa.ArrowException,
)  # fmt: skip


def texts(body: bytes, content_type: str | None = None) -> list[bytes]:
    """Give the texts of a body in UTF-8, without a byte order mark.

    Parameters
    ----------
    body : bytes
        As it came: plain, or compressed by gzip, zlib, bzip2, xz, zstd or lz4, or a zip or tar file, one within the
        other.
    content_type : str, optional
        Its charset counts where the text has no byte order mark.

    Returns
    -------
    list of bytes
        One, or those of the files of a zip or tar file that hold data, in the order of their names.

    Raises
    ------
    AnswerError
        The compressed data are damaged or break off, or the text is not in the encoding that it is said to be in.
    """
    return [text for _, text in files(body, content_type)]


def files(body: bytes, content_type: str | None = None) -> list[tuple[str, bytes]]:
    """Give what `texts` gives, each with the path that it has in a zip or tar file; "" if it is in none."""
    return [(path, _utf8(one, content_type or "")) for path, one in _unpacked(body, "", 0)]


def is_packed(body: bytes) -> bool:
    """Tell whether a body is compressed."""
    return any(magic.match(body) for magic, _, _ in _PACKED)


def _unpacked(body: bytes, path: str, depth: int) -> list[tuple[str, bytes]]:
    for magic, name, unpack in _PACKED:
        if not magic.match(body) or (name == "zlib" and int.from_bytes(body[:2], "big") % 31):
            continue
        if depth == _DEEPEST:
            raise AnswerError(f"the body is compressed more than {_DEEPEST} times over")
        try:
            parts = unpack(body)
        except _BROKEN as exc:
            raise AnswerError(f"the body is {name} data that is damaged or breaks off ({exc})") from exc
        return [inner for name, part in parts for inner in _unpacked(part, name or path, depth + 1)]
    return [(path, body)]


def _zlib(body: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    found = unpacker.decompress(body)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("its end is not where it should be")
    return found


def _bz2(body: bytes) -> bytes:
    # bz2.decompress takes whatever follows the end for padding.
    found = b""
    while body:
        unpacker = bz2.BZ2Decompressor()
        found += unpacker.decompress(body)
        if not unpacker.eof:
            raise EOFError("it breaks off")
        body = unpacker.unused_data
    return found


def _zip(body: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        # Python reads the list of files by its length alone: a damaged one would leave some out.
        stated = int.from_bytes(body[body.rfind(b"PK\x05\x06") + 10 :][:2], "little")
        if stated not in (len(file.infolist()), _MANY):
            raise zipfile.BadZipFile(f"it lists {len(file.infolist())} files and states {stated}")
        return _of_data([(one.filename, file.read(one)) for one in file.infolist() if not one.is_dir()])


def _tar(body: bytes) -> list[tuple[str, bytes]]:
    if body[-_TAR_END:].strip(b"\0"):  # between two files Python takes it for whole
        raise EOFError("it breaks off")
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as file:
        found = [(one.name, file.extractfile(one)) for one in file if one.isfile()]
        return _of_data([(name, one.read()) for name, one in found if one is not None])


def _of_data(packed: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Give the files that hold data in the order of their names; an empty one only if all are."""
    found = [(name, body) for name, body in sorted(packed) if not _NO_DATA.fullmatch(name)]
    return [(name, body) for name, body in found if body] or found[:1]


def _one(unpack: Callable[[bytes], bytes]) -> Callable[[bytes], list[tuple[str, bytes]]]:
    return lambda body: [("", unpack(body))]


def _arrow(codec: str) -> Callable[[bytes], list[tuple[str, bytes]]]:
    return _one(lambda body: pa.CompressedInputStream(pa.BufferReader(body), codec).read())


_PACKED: tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], list[tuple[str, bytes]]]], ...] = (
    (re.compile(rb"\x1f\x8b"), "gzip", _one(gzip.decompress)),
    (re.compile(rb"PK\x03\x04"), "zip", _zip),
    (re.compile(rb"PK\x05\x06"), "zip", _zip),
    (re.compile(rb".{257}ustar", re.DOTALL), "tar", _tar),
    (re.compile(rb"BZh"), "bzip2", _one(_bz2)),
    (re.compile(rb"\xfd7zXZ\x00"), "xz", _one(lzma.decompress)),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "zstd", _arrow("zstd")),
    (re.compile(rb"\x04\x22\x4d\x18"), "lz4", _arrow("lz4")),
    (re.compile(rb"\x78"), "zlib", _one(_zlib)),
)


def _is_utf8(text: bytes, encoding: str) -> bool:
    """Tell whether a text is in UTF-8, whatever charset servers write beside it: as JSON must be.

    So is other text that is sound UTF-8 beyond ASCII, where one byte a letter is named: it would hardly be by chance.
    """
    if text[:1] not in (b"{", b"[") and (text.isascii() or not _OF_BYTES.match(encoding)):
        return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in text[:4]  # of UTF-16 without a mark


def _utf8(text: bytes, content_type: str) -> bytes:
    named = re.search(r'charset="?([\w.:-]+)', content_type, re.IGNORECASE)
    stated = (b"", named[1].lower() if named else "utf-8")
    mark, encoding = next((one for one in _BOMS if text.startswith(one[0])), stated)
    text = text[len(mark) :]
    if encoding.replace("_", "-") in ("utf-8", "utf8", "us-ascii", "ascii") or (not mark and _is_utf8(text, encoding)):
        return text
    try:
        return text.decode(encoding).encode()
    except LookupError:
        return text
    except UnicodeError as exc:
        raise AnswerError(f"the body is not {encoding}, which it is said to be ({exc})") from exc
