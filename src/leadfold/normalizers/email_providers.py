"""Which mailbox an address reaches at providers that publish how they read it. Opt-in.

Only what is documented is here, and only for a provider's own domains: a company's domain may
be hosted anywhere. Yahoo is left out: its tags hang on a made-up name, not on the account's.
"""

from __future__ import annotations

from typing import Final

import attrs

__all__ = ["PROVIDERS", "PROVIDER_RULES_VERSION", "Provider", "mailbox_of"]

PROVIDER_RULES_VERSION: Final = "1"
"""Changes with every change to `PROVIDERS`: stored keys depend on it."""


@attrs.frozen
class Provider:
    """How one provider reads the addresses of its domains.

    A tag, which is what follows the first plus sign, is dropped by all of them. *domain* stands
    for all of *domains* if given; *source* is where that is said.
    """

    name: str
    domains: tuple[str, ...]
    source: str
    domain: str | None = None
    drops_dots: bool = False

    def mailbox(self, local: str, domain: str) -> str:
        """Return the address of the mailbox that *local* at *domain* reaches.

        >>> PROVIDERS[0].mailbox("j.doe+news", "googlemail.com")
        'jdoe@gmail.com'
        """
        # A leading plus sign leaves no name: such an address is kept as it is.
        name = local.partition("+")[0] or local
        if self.drops_dots:
            name = name.replace(".", "")
        return f"{name}@{self.domain or domain}"


PROVIDERS: Final = (
    Provider(
        "Gmail",
        ("gmail.com", "googlemail.com"),
        "https://support.google.com/mail/answer/7436150 (dots), 12096 (tags), 10313 (domains)",
        domain="gmail.com",
        drops_dots=True,
    ),
    Provider(
        "Outlook.com",
        (
            *("hotmail.com", "live.com", "msn.com", "outlook.com"),
            *("hotmail.co.uk", "hotmail.de", "hotmail.es", "hotmail.fr", "hotmail.it"),
            *("live.co.uk", "live.de", "live.fr", "live.it", "live.nl"),
            *("outlook.de", "outlook.es", "outlook.fr", "outlook.it"),
        ),
        "https://support.microsoft.com/office/459b1989-356d-40fa-a689-8f285b13f1f2",
    ),
    Provider(
        "iCloud",
        ("icloud.com", "me.com", "mac.com"),
        "validator.js and email-normalize agree on the tag; Apple's pages do not speak of it",
    ),
    Provider(
        "Fastmail",
        ("fastmail.com", "fastmail.fm"),
        "https://www.fastmail.help/hc/en-us/articles/360060591053",
    ),
    Provider(
        "Proton",
        ("proton.me", "protonmail.com", "pm.me"),
        "https://proton.me/support/addresses-and-aliases",
    ),
    Provider(
        "Yandex",
        ("yandex.ru", "ya.ru", "yandex.by", "yandex.com", "yandex.kz", "yandex.ua"),
        "https://yandex.com/support/yandex-360/customers/mail/en/web/preferences/about-sender/"
        "additional-addresses (domains), customers/mail/en/reg (tags)",
        domain="yandex.ru",
    ),
)
"""The providers that `mailbox_of` knows, each with its source."""

_BY_DOMAIN: Final = {domain: provider for provider in PROVIDERS for domain in provider.domains}


def mailbox_of(address: str) -> str:
    """Return the address of the mailbox that a normalized *address* reaches.

    >>> mailbox_of("j.doe+news@gmail.com"), mailbox_of("j.doe+news@outlook.com")
    ('jdoe@gmail.com', 'j.doe@outlook.com')
    >>> mailbox_of("j.doe+news@example.com")
    'j.doe+news@example.com'
    """
    local, _, domain = address.rpartition("@")
    provider = _BY_DOMAIN.get(domain)
    return provider.mailbox(local, domain) if provider else address
