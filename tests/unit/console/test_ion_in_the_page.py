"""The page's own reading of Ion says what the Python one does, of any bytes.

The modules run in the Node that the CDK runs on, whose JavaScript is Chromium's; the proofs that
use them are tested in Chromium itself, in tests/integration/test_console.py.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ion_strategies import values

from qldbkit.journal import codec
from qldbkit.journal.ion import VERSION_MARKER, IonFormatError, IonSpan
from qldbkit.journal.ionhash import serialized

ASSETS = Path(__file__).resolve().parents[3] / "qldbkit/console/assets"
SCRIPT = """
import { readFileSync } from "node:fs";
const { base64, bytes } = await import(process.argv[1] + "/hashes.js");
const { IonError } = await import(process.argv[1] + "/ion.js");
const { ionHash } = await import(process.argv[1] + "/ionhash.js");
const { ionText } = await import(process.argv[1] + "/iontext.js");
const answer = async (make) => {
  try { return await make(); } catch (error) {
    if (!(error instanceof IonError)) throw error;
    return { error: error.message };
  }
};
const found = [];
for (const each of JSON.parse(readFileSync(0, "utf8"))) {
  const data = bytes(each);
  found.push({
    hash: await answer(async () => base64(await ionHash(data))),
    whole: await answer(async () => base64(await ionHash(data, async (given) => given))),
    text: await answer(async () => ionText(data)),
  });
}
process.stdout.write(JSON.stringify(found));
"""


def in_the_page(documents: Iterable[bytes]) -> list[dict[str, Any]]:
    """What the page's modules say of documents of binary Ion."""
    node = shutil.which("node", path=str(Path(sys.executable).parent))
    assert node is not None, "requirements.txt brings Node"
    ran = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT, ASSETS.as_uri()],
        input=json.dumps([b64encode(each).decode() for each in documents]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


class Identity:
    """The hash function that shows what would be hashed."""

    def __init__(self, data: bytes):
        self._data = data

    def digest(self) -> bytes:
        return self._data


def test_every_public_case(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # amazon.ion's C extension refuses more than ten annotations, which one case has.
    monkeypatch.setattr(simpleion, "c_ext", False)
    text = (shared_data / "conformance/ion-hash-test/ion_hash_tests.ion").read_text()
    documents, expected = [], []
    for case in simpleion.loads(text, single_value=False):
        if "10n" in case:
            documents.append(VERSION_MARKER + bytes(case["10n"]))
        else:
            documents.append(simpleion.dumps(case["ion"], binary=True))
        events = case["expect"].get("identity", [])
        ends = [bytes(each) for each in events if "digest" in each.ion_annotations[0].text]
        expected.append(ends[-1] if ends else None)
    assert len(documents) > 100
    for document, found, wanted in zip(documents, in_the_page(documents), expected, strict=True):
        assert b64decode(found["hash"]) == IonSpan.parse(document).hash()
        if wanted is not None:
            assert b64decode(found["whole"]) == wanted, document.hex()


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(st.lists(values(), min_size=20, max_size=60))
def test_any_value_has_the_same_hash_and_a_text_that_says_the_same(found: list[Any]) -> None:
    documents = [codec.write(each) for each in found]
    for document, answer in zip(documents, in_the_page(documents), strict=True):
        span = IonSpan.parse(document)
        assert b64decode(answer["hash"]) == span.hash()
        assert b64decode(answer["whole"]) == serialized(span, Identity)
        assert IonSpan.from_text(answer["text"]) == span, answer["text"]


def test_of_damaged_and_of_any_bytes_it_never_says_what_python_does_not() -> None:
    """The page refuses some more, where a part of a value reaches beyond the value it is in."""
    chance = random.Random(11)
    whole = codec.write(
        codec.read_text(
            "{a: [1, -300, 2.50, 1e3, true, null.int], b: 2020-01-02T03:04:05.678+01:00,"
            " c: {{aGVsbG8=}}, d: x::y::'a b', e: (1 {f: \"g\"})}"
        )
    )
    documents = []
    for _ in range(4000):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(4, len(damaged))] = chance.randrange(256)
        documents.append(bytes(damaged[: chance.choice((len(damaged), chance.randrange(200)))]))
    documents += [VERSION_MARKER + chance.randbytes(chance.randrange(12)) for _ in range(4000)]
    both = python_alone = neither = 0
    for document, answer in zip(documents, in_the_page(documents), strict=True):
        try:
            expected = sha256(serialized(IonSpan.parse(document))).digest()
        except IonFormatError:
            assert isinstance(answer["hash"], dict), document.hex()
            neither += 1
            continue
        if isinstance(answer["hash"], dict):
            python_alone += 1
        else:
            both += 1
            assert b64decode(answer["hash"]) == expected, document.hex()
    assert both > 300
    assert neither > 300
    assert python_alone < both / 20
