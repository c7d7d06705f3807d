"""The service's own rule, tested in memory: no server, no HTTP, no transaction."""

import asyncio

import attrs
from service import POLICY, take_in

from leadfold import AsyncInMemoryRepository, Lead
from leadfold.resolver import AsyncResolver

FORM = Lead("m1", phone="212 555 0143")
CHAT = Lead("m2", psid="24000000000000001", phone="(212) 555-0143")


def test_a_message_comes_to_the_customer_of_the_form() -> None:
    """Both are stored with a customer, and it is one."""
    crm = AsyncInMemoryRepository()
    resolver = AsyncResolver(crm, POLICY, mode="reconcile")

    async def insert(lead: Lead, customer_id: str | None) -> None:
        crm.insert_lead(attrs.evolve(lead, customer_id=customer_id))

    async def conversation() -> list[str]:
        return [(await take_in(lead, resolver, insert)).outcome for lead in (FORM, CHAT)]

    assert asyncio.run(conversation()) == ["created", "attached"]
    [customer] = crm.customers()
    assert {lead.id: lead.customer_id for lead in crm.leads()} == {
        "m1": customer.id,
        "m2": customer.id,
    }
