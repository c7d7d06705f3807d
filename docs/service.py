"""A webhook for messages of leads: it answers whose they are. It publishes only what is committed.

``DATABASE_URL=postgresql://localhost/crm uvicorn service:app``
"""

from __future__ import annotations

import logging
import os
from asyncio import sleep
from contextlib import asynccontextmanager
from random import uniform
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

from leadfold import Lead, Policy
from leadfold.exceptions import RetryableError
from leadfold.repositories.postgres import AsyncPostgresRepository
from leadfold.resolver import AsyncResolver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from leadfold.resolver import Decision, Event

POLICY = Policy.linked()
ATTEMPTS = 25
LONGEST_WAIT = 0.05  # seconds
INSERT = """
    INSERT INTO "Lead" (id, "messengerPsid", phone, email, name, customer_id)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING
"""


class Message(BaseModel):
    """What the messenger sends: a message's id, which comes again if it is sent again."""

    mid: str
    psid: str
    phone: str | None = None
    email: str | None = None
    name: str | None = None


class Answer(BaseModel):
    """Whose it is; no *customer_id*: that is decided later."""

    customer_id: str | None
    outcome: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep connections open while the service runs; leadfold's tables are made beforehand."""
    dsn = os.environ["DATABASE_URL"]
    async with AsyncConnectionPool(dsn, min_size=1, max_size=8, open=False) as pool:
        app.state.pool, app.state.crm = pool, AsyncPostgresRepository(pool)
        await app.state.crm.create_schema()
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/webhook")
async def receive(message: Message) -> Answer:
    """Take a message in: its lead is stored with its customer, in one transaction."""
    lead = Lead(message.mid, message.psid, message.phone, message.email, message.name)
    for _ in range(ATTEMPTS):
        try:
            decision = await store(lead)
        except RetryableError:  # others were faster, and the transaction is rolled back: try again
            await sleep(uniform(0, LONGEST_WAIT))  # noqa: S311 - so that not all come at once again
            continue
        if decision.outcome == "busy":
            break
        publish(decision.events)  # committed: now the world may know
        return Answer(customer_id=decision.customer_id, outcome=decision.outcome)
    raise HTTPException(503, "busy: send it again", headers={"Retry-After": "1"})


async def take_in(
    lead: Lead, resolver: AsyncResolver, insert: Callable[[Lead, str | None], Awaitable[object]]
) -> Decision:
    """Resolve *lead* and *insert* it with the customer found: the rule, whatever the store."""
    decision = await resolver.resolve(lead)
    if decision.outcome != "busy":
        await insert(lead, decision.customer_id)
    return decision


async def store(lead: Lead) -> Decision:
    """Take *lead* in within one transaction: all of it is committed, or nothing."""
    pool: AsyncConnectionPool = app.state.pool
    async with pool.connection() as connection, connection.transaction():

        async def insert(lead: Lead, customer_id: str | None) -> None:
            row = (lead.id, lead.psid, lead.phone, lead.email, lead.name, customer_id)
            await connection.execute(INSERT, row)

        crm: AsyncPostgresRepository = app.state.crm.over(connection)
        return await take_in(lead, AsyncResolver(crm, POLICY, mode="reconcile"), insert)


def publish(events: Iterable[Event]) -> None:
    """Tell others what became of customers: here, a log."""
    for event in events:
        logging.getLogger("service").info("%s", event)
