"""Raw text to the one spelling that is compared, or to the reason why there is none.

phonenumbers and email-validator load at first use, not here.
"""

from leadfold.normalizers.email import (
    Email,
    email_normalizer,
    normalize_email,
    parse_email,
    parse_emails,
)
from leadfold.normalizers.messenger import (
    Psid,
    messenger_normalizer,
    normalize_psid,
    opaque_normalizer,
    parse_psid,
    parse_psids,
)
from leadfold.normalizers.own import own_normalizer
from leadfold.normalizers.phone import (
    Phone,
    normalize_phone,
    parse_phone,
    parse_phones,
    phone_normalizer,
)
from leadfold.normalizers.reason import Normalizer, Reason

__all__ = [
    "Email",
    "Normalizer",
    "Phone",
    "Psid",
    "Reason",
    "email_normalizer",
    "messenger_normalizer",
    "normalize_email",
    "normalize_phone",
    "normalize_psid",
    "opaque_normalizer",
    "own_normalizer",
    "parse_email",
    "parse_emails",
    "parse_phone",
    "parse_phones",
    "parse_psid",
    "parse_psids",
    "phone_normalizer",
]
