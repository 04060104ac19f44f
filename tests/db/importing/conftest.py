"""A catalog to import into."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from db.connections.connect import connect
from tests.db.importing.feeds import Catalog


@pytest.fixture
async def catalog(dsn: str, tmp_path: Path) -> AsyncGenerator[Catalog]:
    connection = await connect(dsn, application_name="bookstore tests")
    yield Catalog(dsn, connection, tmp_path / "rejects.csv")
    await connection.close()
