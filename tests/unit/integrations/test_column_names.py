"""Names of columns as exports write them."""

from __future__ import annotations

import pytest

from leadfold.integrations.dataframes import guess_columns


@pytest.mark.parametrize(
    ("names", "guess"),
    [
        pytest.param(
            [
                "Record ID",
                "First Name",
                "Last Name",
                "Email",
                "Phone Number",
                "Mobile Phone Number",
            ],
            {
                "id": ("Record ID",),
                "phone": ("Phone Number", "Mobile Phone Number"),
                "email": ("Email",),
            },
            id="HubSpot",
        ),
        pytest.param(
            [
                "Id",
                "Name",
                "Phone",
                "MobilePhone",
                "Email",
                "Second_Email__c",
                "PSID__c",
                "OwnerId",
            ],
            {
                "id": ("Id",),
                "psid": ("PSID__c",),
                "phone": ("Phone", "MobilePhone"),
                "email": ("Email",),
            },
            id="Salesforce",
        ),
        pytest.param(
            ["id", "created_time", "ad_id", "form_id", "email", "full_name", "phone_number"],
            {"id": ("id",), "phone": ("phone_number",), "email": ("email",)},
            id="Meta lead ads",
        ),
        pytest.param(
            ["id", "psid", "phone", "email", "customerId", "createdAt"],
            {"id": ("id",), "psid": ("psid",), "phone": ("phone",), "email": ("email",)},
            id="Prisma",
        ),
        pytest.param(["colour", "size"], {}, id="no leads"),
    ],
)
def test_the_columns_of_common_exports(names: list[str], guess: dict[str, tuple[str, ...]]) -> None:
    """The best first, one for the id."""
    assert guess_columns(names) == guess


def test_a_field_of_ones_own_goes_by_its_own_name() -> None:
    """However that is written."""
    assert guess_columns(["Loyalty Card"], ["loyalty_card"]) == {"loyalty_card": ("Loyalty Card",)}
