"""Stores that the original script filled, made by its rules: its keys, double customers, audit.

The rules are those of docs/how-to/original.md. Where they say nothing
(what becomes of the counts of a customer that a later group finds) nothing is changed.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from leadfold import Customer, InMemoryRepository
from leadfold.repositories.memory.rows import AuditEntry
from leadfold.repositories.sqlite import SQLiteRepository, create_user_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path


__all__ = [
    "SCRIPT",
    "Filled",
    "KeptInFile",
    "KeptInMemory",
    "OriginalScript",
    "Row",
    "filled_store",
    "key_of",
]

SCRIPT = "backfill-customers.ts"
_BEGAN = datetime(2025, 11, 10, 8, tzinfo=UTC)
_SHORTEST_PHONE = 10

Row = dict[str, Any]


@attrs.define
class OriginalScript:
    """The tables it works on, as rows, and what it does to them.

    Customers are called ``c1``, ``c2`` ... in the order it makes them, a second apart.
    """

    leads: list[Row] = attrs.field(factory=list)
    customers: list[Row] = attrs.field(factory=list)
    jobs: list[Row] = attrs.field(factory=list)
    audit: list[Row] = attrs.field(factory=list)
    made: int = 0

    def take_in(self, lead_id: str, job_id: str | None = None, **cells: str) -> None:
        """Let a lead come in, and a job with it; each lead is a minute younger than the last."""
        at = stamp(_BEGAN - timedelta(days=1) + timedelta(minutes=len(self.leads)))
        blank = dict.fromkeys(("name", "messengerPsid", "phone", "email", "customer_id"))
        self.leads.append({"id": lead_id, **blank, **cells, "created_at": at})
        if job_id is not None:
            self.jobs.append({"id": job_id, "lead_id": lead_id, "customer_id": None})

    def lose(self, lead_id: str) -> None:
        """Let the application delete a lead; its customer stays."""
        self.leads = [lead for lead in self.leads if lead["id"] != lead_id]

    def run(self, run_id: str) -> None:
        """Group the unlinked leads, make and link their customers, link jobs, audit the run."""
        at = stamp(_BEGAN + timedelta(days=len(self.audit)))
        stats: dict[str, Any] = dict.fromkeys(
            (
                "customersCreated",
                "customersSkipped",
                "leadsLinked",
                "leadsAlreadyLinked",
                "jobsLinked",
                "jobsAlreadyLinked",
            ),
            0,
        )
        groups: dict[str, list[Row]] = {}
        for lead in self.leads:
            if lead["customer_id"] is None:
                groups.setdefault(key_of(lead), []).append(lead)
        for key, leads in groups.items():
            found = self._looked_up(key)
            stats["customersSkipped" if found else "customersCreated"] += 1
            customer = found or self._create(key, leads, at)
            for lead in leads:
                lead["customer_id"] = customer["id"]
                stats["leadsLinked"] += 1
        customer_of = {lead["id"]: lead["customer_id"] for lead in self.leads}
        for job in self.jobs:
            if job["customer_id"] is None and job["lead_id"] in customer_of:
                job["customer_id"] = customer_of[job["lead_id"]]
                stats["jobsLinked"] += 1
        payload = {
            "timestamp": at,
            "stats": {**stats, "errors": []},
            "script": SCRIPT,
            "version": "1.0.0",
        }
        told = {"actor": "system", "action": "backfill_customers", "payload": payload}
        self.audit.append({"id": run_id, **told, "created_at": at})

    def _looked_up(self, key: str) -> Row | None:
        """Return the customer that shows the group's phone or email: psids are never looked up."""
        kind, _, value = key.partition(":")
        if kind not in {"phone", "email"}:
            return None
        return next((row for row in self.customers if row[kind] == value), None)

    def _create(self, key: str, leads: list[Row], at: str) -> Row:
        self.made += 1
        row = {
            "id": f"c{self.made}",
            "name": _first(leads, lambda lead: lead["name"]),
            "phone": _first(leads, lambda lead: _digits(lead["phone"])),
            "email": _first(leads, lambda lead: _address(lead["email"])),
            "metadata": {
                "groupType": key.partition(":")[0],
                "groupKey": key,
                "leadCount": len(leads),
                "createdBy": SCRIPT,
                "createdAt": at,
                "multipleLeads": len(leads) > 1,
            },
            "created_at": stamp(datetime.fromisoformat(at) + timedelta(seconds=self.made)),
        }
        self.customers.append(row)
        return row


def key_of(lead: Mapping[str, Any]) -> str:
    """Return the key the script groups a lead by: what is typed otherwise is another key.

    >>> blank = {"id": "l1", "messengerPsid": None, "phone": None, "email": None}
    >>> key_of({**blank, "phone": "+1 (555) 123-4567"}), key_of({**blank, "phone": "555.123.4567"})
    ('phone:15551234567', 'phone:5551234567')
    >>> key_of({**blank, "email": " Ann@Example.com "}), key_of(blank)
    ('email:ann@example.com', 'individual:l1')
    """
    if lead["messengerPsid"]:
        return f"psid:{lead['messengerPsid']}"
    if phone := _digits(lead["phone"]):
        return f"phone:{phone}"
    if email := _address(lead["email"]):
        return f"email:{email}"
    return f"individual:{lead['id']}"


def _digits(raw: str | None) -> str | None:
    digits = re.sub(r"\D", "", raw or "")
    return digits if len(digits) >= _SHORTEST_PHONE else None


def _address(raw: str | None) -> str | None:
    address = (raw or "").strip().lower()
    return address if "@" in address else None


def _first(leads: Iterable[Row], read: Callable[[Row], str | None]) -> str | None:
    return next((value for lead in leads if (value := read(lead))), None)


def stamp(moment: datetime) -> str:
    """Return *moment* as JavaScript writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def filled_store() -> OriginalScript:
    """Return what two runs of the script, and leads that came in since, leave behind.

    | customer | key | what is odd |
    |---|---|---|
    | c1 | ``psid:24000000000000001`` | has l2 as well: found by its phone, whose key is another |
    | c2 | ``phone:15551234567`` | nothing: two leads |
    | c3, c4 | an email, no identifier at all | nothing |
    | c5, c6 | ``phone:2125550198``, ``phone:12125550198`` | one number, typed in two ways |
    | c7 | ``phone:12125550177`` | its lead is gone |
    | c8 | ``psid:24000000000000001`` | double: l9 came in after c1 was made |

    The leads n1 to n6 are linked to nobody yet.
    """
    script = OriginalScript()
    psid = "24000000000000001"
    script.take_in("l1", "j1", messengerPsid=psid, phone="+1 (212) 555-0143", name="Ada")
    script.take_in("l2", phone="+1 212-555-0143", name="Ada L.")
    script.take_in("l3", phone="+1 (555) 123-4567")
    script.take_in("l4", "j2", phone="+1 555 123 4567", name="Cy")
    script.take_in("l5", email=" Bea@Mailbox.Example ", name="Bea")
    script.take_in("l6", name="Nobody")
    script.take_in("l7", phone="212.555.0198")
    script.take_in("l8", phone="+1 212 555 0198")
    script.take_in("gone", phone="+1 (212) 555-0177")
    script.run("a1")
    script.lose("gone")
    script.take_in("l9", "j3", messengerPsid=psid, email="ada@mailbox.example")
    script.run("a2")
    script.take_in("n1", "k1", phone="(555) 123-4567")
    script.take_in("n2", messengerPsid=psid)
    script.take_in("n3", email="bea@mailbox.example")
    script.take_in("n4", "k4", phone="212-555-0177")
    script.take_in("n5", phone="212 555 0198")
    script.take_in("n6", "k6", email="new@mailbox.example", name="Newcomer")
    return script


@attrs.frozen
class KeptInFile:
    """What a script left behind, in a SQLite file with the usual tables."""

    path: Path
    repository: SQLiteRepository

    @classmethod
    def of(cls, script: OriginalScript, path: Path) -> KeptInFile:
        """Make the file."""
        audit = [{**row, "payload": _json(row["payload"])} for row in script.audit]
        customers = [{**row, "metadata": _json(row["metadata"])} for row in script.customers]
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("BEGIN")
            create_user_tables(connection)
            for table, rows in (
                ("Customer", customers),
                ("Lead", script.leads),
                ("Job", script.jobs),
                ("Audit", audit),
            ):
                for row in rows:
                    names = ", ".join(f'"{name}"' for name in row)
                    places = ", ".join(f":{name}" for name in row)
                    connection.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', row)  # noqa: S608
        return cls(path, SQLiteRepository(path))

    def close(self) -> None:
        """Close the file."""
        self.repository.close()

    def image(self) -> dict[str, list[object]]:
        """Return every row of the application's tables but the audit trail, past leadfold."""
        tables = ("Lead", "Customer", "Job", "Conversation", "CustomerAddress", "MemoryNote")
        return {
            table: [*self._rows(f'SELECT * FROM "{table}" ORDER BY id')]  # noqa: S608
            for table in tables
        }

    def links(self) -> dict[str, str | None]:
        """Return the customer of each lead and each job."""
        query = 'SELECT id, customer_id FROM "{}"'
        rows = [row for table in ("Lead", "Job") for row in self._rows(query.format(table))]
        return {str(row): None if link is None else str(link) for row, link in rows}

    def customers(self) -> dict[str, Customer]:
        """Return the customers by id; their metadata is parsed."""
        rows = self._rows('SELECT id, name, phone, email, metadata, created_at FROM "Customer"')
        return {str(row[0]): _customer(*row) for row in rows}

    def audited(self) -> int:
        """Return how long the audit trail is."""
        return len(self._rows('SELECT 1 FROM "Audit"'))

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()


@attrs.frozen
class KeptInMemory:
    """What a script left behind, in the in-memory store."""

    repository: InMemoryRepository

    @classmethod
    def of(cls, script: OriginalScript) -> KeptInMemory:
        """Make the store."""
        leads = [
            {
                **{name: cell for name, cell in row.items() if name != "messengerPsid"},
                "psid": row["messengerPsid"],
                "created_at": datetime.fromisoformat(row["created_at"]),
            }
            for row in script.leads
        ]
        customers = [
            {**row, "created_at": datetime.fromisoformat(row["created_at"])}
            for row in script.customers
        ]
        audit = [
            AuditEntry(
                row["actor"],
                row["action"],
                row["payload"],
                datetime.fromisoformat(row["created_at"]),
                id=row["id"],
            )
            for row in script.audit
        ]
        return cls(
            InMemoryRepository(
                leads=leads, customers=customers, dependents={"Job": script.jobs}, audit=audit
            )
        )

    def image(self) -> dict[str, list[object]]:
        """Return every row but those of the audit trail, by id."""
        customers = self.customers()
        return {
            "Lead": [*self.repository.leads()],
            "Customer": [customers[key] for key in sorted(customers)],
            "Job": [*self.repository.dependents("Job")],
        }

    def close(self) -> None:
        """Do nothing: there is nothing open."""

    def links(self) -> dict[str, str | None]:
        """Return the customer of each lead and each job."""
        links = {lead.id: lead.customer_id for lead in self.repository.leads()}
        for job in self.repository.dependents("Job"):
            link = job["customer_id"]
            links[str(job["id"])] = None if link is None else str(link)
        return links

    def customers(self) -> dict[str, Customer]:
        """Return the customers by id."""
        return {customer.id: customer for customer in self.repository.customers()}

    def audited(self) -> int:
        """Return how long the audit trail is."""
        return len(self.repository.audit())


Filled = KeptInFile | KeptInMemory
"""A store that the script filled, with ways to look at it that are not leadfold's."""


def _customer(*cells: object) -> Customer:
    """Return a row of customers with its metadata parsed."""
    customer_id, name, phone, email, metadata, created_at = cells
    return Customer(
        customer_id,
        None if name is None else str(name),
        None if phone is None else str(phone),
        None if email is None else str(email),
        json.loads(str(metadata)),
        datetime.fromisoformat(str(created_at)),
    )


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
