"""Blobs: bytes under their BLAKE3-256 hash, stored once."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import blake3
import zstandard

from .codec import pack, unpack
from .connection import Repository
from .errors import StoreError

__all__ = ["Blobs", "Sealed", "seal", "store_blob", "unseal"]


class Sealed(NamedTuple):
    """A blob ready to be written: hashed and compressed outside any transaction."""

    hash: bytes
    codec: int
    raw_len: int
    data: bytes


def seal(data: bytes) -> Sealed:
    """Hash and compress."""
    codec, packed = pack(data)
    return Sealed(blake3.blake3(data).digest(), codec, len(data), packed)


def store_blob(db: sqlite3.Connection, sealed: Sealed) -> int:
    """Write a blob unless it is there, inside the caller's transaction; gives its row id."""
    row = db.execute("SELECT id FROM blob WHERE hash = ?", (sealed.hash,)).fetchone()
    if row:
        return int(row[0])
    written = db.execute("INSERT INTO blob(hash, codec, raw_len, data) VALUES(?,?,?,?)", sealed)
    assert written.lastrowid is not None
    return written.lastrowid


def unseal(digest: bytes | None, codec: int, data: bytes, what: str) -> bytes:
    """The bytes of a stored blob; ``what`` names it at the beginning of a sentence.

    Raises:
        StoreError: it is missing (``digest`` is ``None``), or is not what was stored.
    """
    if digest is None:
        raise StoreError(f"{what} is missing from the database: restore it from a copy.")
    try:
        raw = unpack(codec, data)
    except zstandard.ZstdError:
        raw = None
    if raw is None or blake3.blake3(raw).digest() != digest:
        raise StoreError(f"{what} is damaged: restore the database from a copy.")
    return raw


class Blobs(Repository):
    """Keep bytes for their own sake (turns keep their payloads themselves)."""

    def put_blob(self, data: bytes) -> bytes:
        """Store bytes; gives their hash, 32 bytes. Storing the same again costs nothing."""
        sealed = seal(data)
        with self._db.write() as db:
            db.execute("INSERT OR IGNORE INTO kept(blob) VALUES(?)", (store_blob(db, sealed),))
        return sealed.hash

    def get_blob(self, hash: bytes) -> bytes:  # noqa: A002 - it is the blob's hash
        """The bytes of this hash.

        Raises:
            StoreError: there are none, or they do not match their hash.
        """
        row = self._db.one("SELECT codec, data FROM blob WHERE hash = ?", (hash,))
        if row is None:
            raise StoreError(f"There is no blob {hash.hex()}.")
        return unseal(hash, row[0], row[1], f"The blob {hash.hex()}")
