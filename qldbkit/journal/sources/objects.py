"""Where the objects of a journal are kept: a folder, one file, or a prefix of an S3 bucket."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Protocol, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.errors import QldbkitError

GZIP_MAGIC: Final = b"\x1f\x8b"
S3_SCHEME: Final = "s3://"


class LocationError(QldbkitError):
    """The location of a journal cannot be read."""


class ObjectStore(Protocol):
    """Named objects that can be listed and read."""

    @property
    def location(self) -> str:
        """Where the objects are, as a person writes it."""

    def names(self) -> list[str]:
        """The names of all objects, sorted.

        Raises:
            LocationError: the location is not there or may not be read.
        """

    def open(self, name: str) -> IO[bytes]:
        """Begin to read an object from its first byte.

        Raises:
            LocationError: there is no such object, or it may not be read.
        """


@dataclass(frozen=True, slots=True)
class FolderObjects:
    """The files below a folder, or a single file."""

    root: Path

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self.root)

    def names(self) -> list[str]:
        """Paths below the folder, with slashes; hidden files are left out."""
        if self.root.is_file():
            return [self.root.name]
        if not self.root.is_dir():
            raise LocationError(
                f"there is no file or folder {self.root}",
                hint="give a folder, a file or s3://BUCKET/PREFIX",
            )
        paths = (each.relative_to(self.root) for each in self.root.rglob("*") if each.is_file())
        return sorted(each.as_posix() for each in paths if not each.name.startswith("."))

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading."""
        path = self.root if self.root.is_file() else self.root / name
        try:
            return path.open("rb")
        except OSError as error:
            raise LocationError(f"{path} cannot be read: {error.strerror}") from error


def s3_of_environment() -> Any:
    """An S3 client with the environment's endpoint, region and credentials."""
    return boto3.client("s3")


@dataclass(frozen=True, slots=True)
class BucketObjects:
    """The objects of an S3 bucket whose keys begin with a prefix.

    Attributes:
        bucket: its name.
        prefix: empty, or ends with a slash.
        client: an S3 client; by default, one of the environment (``AWS_ENDPOINT_URL`` ...).
    """

    bucket: str
    prefix: str
    client: Any = field(default_factory=s3_of_environment, compare=False, repr=False)

    @property
    def location(self) -> str:
        """``s3://BUCKET/PREFIX``."""
        return f"{S3_SCHEME}{self.bucket}/{self.prefix}"

    def names(self) -> list[str]:
        """The keys, without the prefix."""
        try:
            pages = self.client.get_paginator("list_objects_v2")
            found = [
                item["Key"][len(self.prefix) :]
                for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix)
                for item in page.get("Contents", ())
            ]
        except (BotoCoreError, ClientError) as error:
            raise LocationError(f"{self.location} cannot be listed: {error}") from error
        return sorted(found)

    def open(self, name: str) -> IO[bytes]:
        """Begin to download an object."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)
        except (BotoCoreError, ClientError) as error:
            raise LocationError(f"{self.location}{name} cannot be read: {error}") from error
        return cast("IO[bytes]", answer["Body"])


def open_objects(location: str) -> ObjectStore:
    """The objects at a path or an ``s3://`` location.

    Raises:
        LocationError: an ``s3://`` location names no bucket.
    """
    if not location.startswith(S3_SCHEME):
        return FolderObjects(Path(location))
    bucket, _, prefix = location[len(S3_SCHEME) :].partition("/")
    if not bucket:
        raise LocationError(f"{location} names no bucket", hint="write s3://BUCKET/PREFIX")
    return BucketObjects(bucket, prefix if not prefix or prefix.endswith("/") else prefix + "/")


@contextmanager
def plain_stream(store: ObjectStore, name: str) -> Iterator[IO[bytes]]:
    """An object's bytes, decompressed when they are gzip.

    Raises:
        LocationError: the object cannot be read.
    """
    with store.open(name) as raw:
        head = raw.read(len(GZIP_MAGIC))
        whole: Any = _Prefixed(head, raw)
        yield cast("IO[bytes]", gzip.GzipFile(fileobj=whole) if head == GZIP_MAGIC else whole)


class _Prefixed(io.RawIOBase):
    """Bytes that were read already, and the stream behind them."""

    def __init__(self, head: bytes, rest: IO[bytes]):
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes; the head first."""
        head, self._head = self._head, b""
        if size < 0:
            return head + self._rest.read()
        if len(head) > size:
            head, self._head = head[:size], head[size:]
        return head + self._rest.read(size - len(head))

    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)
