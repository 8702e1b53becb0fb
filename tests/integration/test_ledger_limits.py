"""What a server's ledgers may take in one transaction, as its options say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qldbkit.ledger.limits import Limits
from qldbkit.ledger.server import running_server


@pytest.mark.parametrize("most", [Limits().transaction_documents, 120])
def test_a_transaction_writes_as_many_documents_as_the_server_was_told(
    tmp_path: Path, connected: Callable[..., Any], most: int
) -> None:
    with running_server(tmp_path, ledger_limits=Limits(transaction_documents=most)) as server:
        user = connected(server)
        user.create()
        driver = user.driver()

        def insert(count: int) -> int:
            documents = [{"n": each} for each in range(count)]
            done = driver.execute_lambda(
                lambda run: list(run.execute_statement("INSERT INTO Thing ?", documents))
            )
            return len(done)

        driver.execute_lambda(lambda run: run.execute_statement("CREATE TABLE Thing"))
        assert insert(most) == most
        with pytest.raises(ClientError, match=f"can write {most} documents"):
            insert(most + 1)
