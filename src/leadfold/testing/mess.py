"""The many ways people write one value: messy phones, emails, names and dates, from one seed.

Invented on purpose: phones sit in the 555 exchange, which is all but unassigned, and domains are
reserved for documentation (RFC 2606), yet every value passes the real normalizers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leadfold.model import Cell

__all__ = ["EXTENSIONS", "JUNK", "PHONE_FORMATS", "Mess", "Person"]

_AREAS = """
201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239
240 248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312
313 314 315 316 317 318 319 320 321 323 325 330 331 334 336 337 339 347 351 352 360 361 386 401
402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 430 432 434 435 440 443 469
478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551
559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615
616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 701 702 703 704 706
707 708 712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772
773 774 775 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831
832 843 845 847 848 850 856 857 858 859 860 862 863 864 865 870 901 903 904 907 908 909 910 912
913 914 915 916 917 918 919 920 925 928 931 936 937 940 941 949 951 952 954 956 970 971 972 973
978 979 980 985 989
""".split()  # noqa: SIM905 - a block of words reads better than literals

_LINES = 10_000
_EXCHANGE = 555
_STRIDE = 7_919  # prime to the number of lines and areas, so that neighbours look unalike

PHONE_FORMATS = (
    "{0}{1}{2}",
    "({0}) {1}-{2}",
    "({0}){1}-{2}",
    "{0}-{1}-{2}",
    "{0}.{1}.{2}",
    "{0} {1} {2}",
    "{0}/{1}-{2}",
    "{0}\u2011{1}\u2011{2}",
    "{0}\u00a0{1}\u00a0{2}",
    "1{0}{1}{2}",
    "1-{0}-{1}-{2}",
    "1 ({0}) {1}-{2}",
    "+1{0}{1}{2}",
    "+1 {0} {1} {2}",
    "+1 ({0}) {1}-{2}",
    "+1-{0}-{1}-{2}",
    "+1.{0}.{1}.{2}",
    "011 1 {0} {1} {2}",
    " {0}-{1}-{2} ",
    "({0}) {1} - {2}",
    "tel:+1-{0}-{1}-{2}",
    "Phone: ({0}) {1}-{2}",
)
"""How one number is typed: area code, exchange, line. All mean the same key in the US."""

EXTENSIONS = (" x{}", "x{}", " ext. {}", " ext {}", " extension {}", " #{}", ", ext. {}")
"""How an extension is typed after a number; it is no part of the key."""

JUNK: Mapping[str, tuple[str, ...]] = {
    "psid": ("null", "undefined", "0", " "),
    "phone": (
        "000-000-0000",
        "999-999-9999",
        "555-555-5555",
        "1234567890",
        "n/a",
        "12345",
        "call me",
    ),
    "email": ("test@test.com", "noreply@example.com", "none", "n/a", "no@email", "a@b@c.example"),
}
"""What people and programs put where they had no value, per kind; none may tie leads together."""

_FIRST = """
Ada Ben Chloe Dan Ella Femi Grace Hugo Ines Jack Kira Liam Maya Noor Omar Pia Quinn Rosa Sam Tara
Uma Vera Will Xena Yara Zoe José Łukasz Nguyễn Zoë
""".split()  # noqa: SIM905 - a block of words reads better than literals
_LAST = """
Adams Brown Clark Diaz Evans Foster Garcia Hill Ivanov Jones Kim Lopez Miller Nolan Okafor Patel
Quist Rossi Smith Tran Underwood Vega White Xu Young Zhang O'Neil Müller Díaz d'Arc
""".split()  # noqa: SIM905 - a block of words reads better than literals
_HOSTS = ("example.com", "example.net", "example.org", "mail.example", "post.example.com")
_PAGES = ("page1", "page2", "page3", "page4")
_START = datetime(2024, 1, 1, 8)  # noqa: DTZ001 - naive on purpose: some leads keep it so
_DAYS = 700.0
_ZONES = (timezone(timedelta(hours=-5)), timezone(timedelta(hours=9)))


@attrs.frozen
class Person:
    """Someone who leaves leads: what they hold, before they mistype it."""

    truth: str
    name: str
    psid: str
    page: str
    phone: str
    email: str


class Mess:
    """A seeded source of new people, and of the ways they write what they hold."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - sample data; anyone may predict it
        self._people = 0
        self._phones = 0
        self._first_phone = self.random.randrange(len(_AREAS) * _LINES)

    def one_of(self, options: tuple[str, ...] | list[str]) -> str:
        """Return one of *options*; several times as quick as `random.choice`."""
        return options[int(self.random.random() * len(options))]

    def person(self) -> Person:
        """Return someone new: no value of theirs was dealt before."""
        self._people += 1
        number = self._people
        first, last = self.one_of(_FIRST), self.one_of(_LAST)
        local = f"{first}.{last}{number}".lower().translate(_MAILBOX_LETTERS)
        return Person(
            truth=f"p{number}",
            name=f"{first} {last}",
            psid=f"24{self.random.randrange(10**8):08d}{number:07d}",
            page=self.one_of(_PAGES),
            phone=self.phone(),
            email=f"{local}@{self.one_of(_HOSTS)}",
        )

    def phone(self) -> str:
        """Return ten digits that no one holds yet."""
        spread = (self._first_phone + self._phones * _STRIDE) % (len(_AREAS) * _LINES)
        exchange = _EXCHANGE + self._phones // (len(_AREAS) * _LINES)
        self._phones += 1
        area, line = divmod(spread, _LINES)
        return f"{_AREAS[area]}{exchange}{line:04d}"

    def other_page(self, page: str) -> str:
        """Return a page that is not *page*."""
        return _PAGES[(_PAGES.index(page) + 1) % len(_PAGES)]

    def typed_phone(self, digits: str) -> str:
        """Return *digits* as somebody types them, now and then with an extension."""
        typed = self.one_of(PHONE_FORMATS).format(digits[:3], digits[3:6], digits[6:])
        return typed + self.extension() if self.random.random() < 0.03 else typed  # noqa: PLR2004

    def extension(self) -> str:
        """Return the tail that names a desk behind a number."""
        return self.one_of(EXTENSIONS).format(int(self.random.random() * 900) + 100)

    def typed_email(self, email: str) -> str:
        """Return *email* as somebody types it: its case and the space around it vary."""
        dice = int(self.random.random() * 12)
        return _EMAIL_HABITS[dice](email) if dice < len(_EMAIL_HABITS) else email

    def typed_name(self, name: str) -> str | None:
        """Return *name*, its first word alone, or nothing."""
        dice = self.random.random()
        if dice < 0.15:  # noqa: PLR2004 - a share of people
            return None
        return name.partition(" ")[0] if dice < 0.25 else name  # noqa: PLR2004

    def moment(self, day: float | None) -> datetime | None:
        """Return a time on *day* (any day if None): often naive, sometimes in a zone or missing."""
        dice = self.random.random()
        if dice < 0.03:  # noqa: PLR2004
            return None
        if day is None:
            day = self.random.random() * _DAYS
        when = _START + timedelta(seconds=int(day * 86_400))
        if dice < 0.25:  # noqa: PLR2004
            return when
        zone = _ZONES[int(dice * 1000) % 2] if dice < 0.35 else UTC  # noqa: PLR2004
        return when.replace(tzinfo=UTC).astimezone(zone)

    def junk(self, kind: str) -> Cell:
        """Return a value of *kind* that is none."""
        return self.one_of(JUNK[kind])


_EMAIL_HABITS = (
    str.upper,
    str.title,
    lambda email: f" {email}",
    lambda email: f"{email} ",
    lambda email: f"{email}\t",
    lambda email: f" {email.upper()}\n",
)

# A mailbox has no accents and no apostrophe, whatever the name of its person.
_MAILBOX_LETTERS = str.maketrans("éíłüëễ", "eiluee", "'")
