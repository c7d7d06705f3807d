"""The service of the docs, asked over HTTP: whose a message is, also where several come at once."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING, cast

import httpx
import psycopg
import pytest
import uvicorn
from fastapi import HTTPException
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool

from console_pages import blocks_of
from leadfold import Lead
from leadfold.exceptions import RetryableError
from leadfold.repositories.postgres import PostgresRepository
from leadfold.resolver import Resolver
from repositories.postgres_stores import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = Path(__file__).parents[2] / "docs" / "service.py"
MANY = 12


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    """Return a store whose leads must have a customer."""
    with new_database(postgres_dsn) as made:
        with psycopg.connect(made) as raw:
            raw.execute('ALTER TABLE "Lead" ALTER COLUMN customer_id SET NOT NULL')
        yield made


@pytest.fixture
def service() -> ModuleType:
    """Return the file of the docs, as a module of its own."""
    spec = spec_from_file_location("service", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def running(service: ModuleType) -> Iterator[str]:
    """Serve HTTP on a port of this machine's own; yield the address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who asks before it has begun waits
        server = uvicorn.Server(uvicorn.Config(service.app, log_config=None))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/webhook"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def webhook(dsn: str, service: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run the service over the store."""
    briefly = make_conninfo(dsn, options="-clock_timeout=5s")
    monkeypatch.setenv("DATABASE_URL", briefly)
    with running(service) as address:
        yield address


def stored(dsn: str) -> tuple[list[tuple[object, ...]], int]:
    """Return the customer of each lead, and the number of customers."""
    with psycopg.connect(dsn) as raw:
        leads = raw.execute('SELECT id, customer_id FROM "Lead" ORDER BY id').fetchall()
        [(customers,)] = raw.execute('SELECT count(*) FROM "Customer"').fetchall()
    return leads, cast("int", customers)


def test_a_message_is_answered_with_its_customer(
    webhook: str, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Sent again it has the same; what was committed is published, and once."""
    caplog.set_level(logging.INFO, "service")
    first = {"mid": "m1", "psid": "24000000000000001", "phone": "212 555 0143"}
    answers = [httpx.post(webhook, json=body).json() for body in (first, first)]
    other = {"mid": "m2", "psid": "24000000000000001"}
    answers.append(httpx.post(webhook, json=other).json())
    assert [answer["outcome"] for answer in answers] == ["created", "unchanged", "attached"]
    [customer] = {answer["customer_id"] for answer in answers}
    assert stored(dsn) == ([("m1", customer), ("m2", customer)], 1)
    told = [each.args[0].what for each in caplog.records if each.name == "service"]  # type: ignore[index, union-attr]
    assert told == ["customer_created", "lead_linked", "lead_linked"]


def test_messages_of_one_person_at_once_have_one_customer(webhook: str, dsn: str) -> None:
    """Whoever was slower looks again; every answer names the same customer."""

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=60) as client:
            bodies = [{"mid": f"m{n}", "psid": "24000000000000001"} for n in range(MANY)]
            asked = (client.post(webhook, json=body) for body in bodies)
            return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    assert {answer.status_code for answer in answers} == {200}
    [customer] = {answer.json()["customer_id"] for answer in answers}
    leads, customers = stored(dsn)
    assert [link for _, link in leads] == [customer] * MANY
    assert customers == 1


def test_who_would_wait_too_long_is_asked_to_send_it_again(
    dsn: str, service: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is stored, and the next time it is."""
    monkeypatch.setenv("DATABASE_URL", make_conninfo(dsn, options="-clock_timeout=100ms"))
    body = {"mid": "m1", "psid": "24000000000000001"}
    with running(service) as webhook:
        httpx.post(webhook, json={"mid": "m0", "psid": "24000000000000002"}).raise_for_status()
        with psycopg.connect(dsn) as held:
            Resolver(PostgresRepository(held), service.POLICY, "reconcile").resolve(
                Lead("m9", psid="24000000000000001")
            )
            answer = httpx.post(webhook, json=body)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert [lead for lead, _ in stored(dsn)[0]] == ["m0"]
            held.rollback()
        assert httpx.post(webhook, json=body).json()["outcome"] == "created"


def test_between_attempts_it_waits_a_random_moment(
    service: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short, and not the same for all; after the last it says that it is busy."""
    waits: list[float] = []

    async def nap(seconds: float) -> None:
        waits.append(seconds)

    async def outrun(_: Lead) -> None:
        raise RetryableError

    monkeypatch.setattr(service, "sleep", nap)
    monkeypatch.setattr(service, "store", outrun)
    with pytest.raises(HTTPException, match="busy"):
        asyncio.run(service.receive(service.Message(mid="m1", psid="24000000000000001")))
    assert len(waits) == service.ATTEMPTS
    assert len(set(waits)) > 1
    assert all(0 <= wait <= service.LONGEST_WAIT for wait in waits)


def test_the_blocking_twin_stores_a_lead_with_its_customer(dsn: str) -> None:
    """As the page shows it, over a pool."""
    page = PATH.with_name("fastapi.md")
    [body] = [each.body for each in blocks_of(page) if each.caption == "blocking.py"]
    twin = ModuleType("blocking")
    exec(body, vars(twin))  # noqa: S102 - the page's own code
    with ConnectionPool(dsn, min_size=1, max_size=2, open=True) as pool:
        crm = PostgresRepository(pool)
        crm.create_schema()
        leads = [Lead(id_, psid="24000000000000001") for id_ in ("m1", "m2", "m2")]
        found = [twin.store(lead, pool, crm) for lead in leads]
    assert [each.outcome for each in found] == ["created", "attached", "unchanged"]
    customer = found[0].customer_id
    assert stored(dsn) == ([("m1", customer), ("m2", customer)], 1)
