"""Which field of a lead a column is for, told by its name. Nothing is read, nothing assumed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["folded", "guess_columns", "looks_like_data"]

looks_like_data: Final = re.compile(r"@|\d\D{0,2}\d\D{0,2}\d\D{0,2}\d\D{0,2}\d").search
"""Whether a name of a column is rather somebody's email or number, and not to be shown."""

# As HubSpot, Salesforce, Meta lead ads and Prisma schemas call them, `folded`; the best first.
_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "leadid", "recordid", "contactid", "hsobjectid", "vid", "personid"),
    "psid": ("psid", "messengerid", "messengerpsid", "facebookpsid", "pagescopedid", "senderid"),
    "phone": (
        *("phone", "phonenumber", "hsphone", "mobile", "mobilephone", "mobilephonenumber"),
        *("cellphone", "cell", "homephone", "otherphone", "workphone", "workphonenumber"),
        *("telephone", "whatsappnumber", "whatsappphonenumber", "hswhatsappphonenumber"),
    ),
    "email": (
        *("email", "emailaddress", "hsemail", "workemail", "personalemail", "otheremail"),
        *("secondaryemail", "additionalemails", "hsadditionalemails"),
    ),
}
_SINGLE: Final = frozenset({"id"})
_OF_SALESFORCE: Final = re.compile("__(?:c|pc)$")


def folded(name: str) -> str:
    """Return *name* without capitals and separators: ``Created At`` is ``createdAt``."""
    return re.sub(r"[\s_-]", "", name.casefold())


def guess_columns(
    names: Iterable[str], fields: Iterable[str] = ("id", "psid", "phone", "email")
) -> dict[str, tuple[str, ...]]:
    """Return which of the column *names* seem to hold which of *fields*, the best first.

    By the names that common exports use (HubSpot, Salesforce, Meta lead ads, Prisma), however
    they write capitals and separators; a field of one's own by its own name. Only names are
    looked at, so look at the answer: it is what ``columns=`` takes. Fields that no column seems
    to hold are left out.

    >>> guess_columns(["Record ID", "Email", "Phone Number", "Mobile Phone Number", "City"])
    {'id': ('Record ID',), 'phone': ('Phone Number', 'Mobile Phone Number'), 'email': ('Email',)}
    """
    known = [(name, folded(_OF_SALESFORCE.sub("", name))) for name in names]
    found = {}
    for field in fields:
        ranks = {name: rank for rank, name in enumerate(_KNOWN.get(field, (folded(field),)))}
        columns = [name for name, bare in known if bare in ranks]
        columns.sort(key=lambda name: ranks[folded(_OF_SALESFORCE.sub("", name))])
        if columns:
            found[field] = tuple(columns[:1] if field in _SINGLE else columns)
    return found
