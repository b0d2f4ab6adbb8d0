"""Who and what the demo is about: an invented vendor, its partners, people, rules and policy. All of it is fiction.

Every address ends in .example, a domain kept for that (RFC 2606): no mail can reach anybody.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from portal.vocabulary import Role

VENDOR = "Tidewell"
#: For made-up people only; the command prints it.
PASSWORD = "tidewell-demo"
FLOW, LEDGER, PILOT = "Tidewell Flow", "Tidewell Ledger", "Tidewell Pilot"
PRODUCTS = (FLOW, LEDGER, PILOT)


@dataclass(frozen=True)
class Cast:
    """A partner of the demo. ``settings``: as the API takes them. ``people``: (name, role), the first one acts."""

    key: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    people: tuple[tuple[str, Role], ...] = ()

    def address(self, person: str) -> str:
        """The person's invented address."""
        return f"{person.partition(' ')[0].lower()}@{self.key}.example"


def _cast(
    key: str, name: str, zone: str, country: str, rep: str, admin: str, covers: list[dict[str, str]], **settings: Any
) -> Cast:
    facts = {"name": name, "timezone": zone, "country": country, "territories": covers, **settings}
    return Cast(key, name, facts, ((rep, Role.PARTNER_REP), (admin, Role.PARTNER_ADMIN)))


def _in(*countries: str, prefixes: str = "") -> list[dict[str, str]]:
    if prefixes:
        return [{"country": country, "postcode_prefix": prefix} for country in countries for prefix in prefixes]
    return [{"country": country} for country in countries]


PARTNERS = (
    _cast("ostwind", "Ostwind Systeme", "Europe/Berlin", "DE", "Jonas Ahlbrecht", "Greta Moorfeld",
          _in("DE", prefixes="01234"), tier="gold", weight=3, tags=["local", "services"]),
    _cast("isartal", "Isartal Consulting", "Europe/Berlin", "DE", "Korbinian Saller", "Vroni Achleitner",
          _in("DE", prefixes="56789"), tier="gold", weight=2, tags=["local"]),
    _cast("donaublick", "Donaublick Digital", "Europe/Vienna", "AT", "Valentin Krafft", "Resi Obernau",
          [*_in("AT"), *_in("DE", prefixes="89")], tier="silver", weight=2, tags=["local", "services"]),
    _cast("limmat", "Limmatwerk", "Europe/Zurich", "CH", "Urs Tanner-Holz", "Selina Brugg",
          _in("CH", "LI"), tier="silver", weight=2, tags=["local"]),
    _cast("kestrel", "Kestrel and Rowe", "Europe/London", "GB", "Imogen Thackery", "Rufus Penhale",
          _in("GB", "IE"), tier="gold", weight=3, open_lead_cap=15, tags=["local", "key accounts"],
          opening_hours={**{day: [["09:00", "12:30"], ["13:30", "17:30"]] for day in ("mon", "tue", "wed", "thu")},
                         "fri": [["09:00", "16:00"]], "sat": [], "sun": []}),
    _cast("quill", "Quill Harbor", "America/New_York", "US", "Dana Whitlow", "Marcus Oakhurst", [],
          tier="gold", weight=4, open_lead_cap=40, tags=["global", "key accounts"], products=[FLOW, LEDGER]),
    _cast("prairie", "Prairie Signal", "America/Chicago", "US", "Wes Tillman-Ray", "Joanna Feld",
          _in("US", "CA"), tier="silver", weight=1, tags=["local"], products=[FLOW, LEDGER],
          quiet_periods=[{"kind": "quarter_end", "days": 2}]),
    _cast("valeazul", "Vale Azul Tecnologia", "America/Sao_Paulo", "BR", "Caio Ventura", "Ana Serrano-Lima",
          _in("BR"), tier="silver", weight=2, tags=["local"]),
    _cast("hoshizora", "Hoshizora Works", "Asia/Tokyo", "JP", "Haru Minazuki", "Kaede Tomoyama",
          _in("JP"), tier="silver", weight=2, tags=["local"], holidays=None),
    _cast("polder", "Polder en Vaart", "Europe/Amsterdam", "NL", "Sjoerd van Rietdijk", "Lotte Waterink",
          _in("NL", "BE"), tier="standard", weight=1, tags=["local"]),
    _cast("fjordlys", "Fjordlys Data", "Europe/Oslo", "NO", "Sindre Haugvik", "Ingunn Solbakk",
          _in("NO", "SE", "DK"), tier="standard", weight=1, tags=["local"]),
    _cast("meridiano", "Meridiano Sur", "America/Mexico_City", "MX", "Itzel Robles-Mar", "Bruno Aldama",
          _in("MX", "CO"), tier="standard", weight=1, tags=["local"], wants_early_leads=True,
          daily_cap=4, weekly_cap=10),
)  # fmt: skip

MANAGER = ("Lena Holbrook", "lena@tidewell.example", Role.CHANNEL_MANAGER)
MARKETER = ("Theo Marchetti", "theo@tidewell.example", Role.MARKETER)
ADMIN = ("Petra Lindqvist", "petra@tidewell.example", Role.ADMIN)
#: Sees the Americas alone.
AMERICAS = ("Owen Castellan", "owen@tidewell.example", Role.CHANNEL_MANAGER)
PORTFOLIO = ("quill", "prairie", "valeazul", "meridiano")

CALL_BACK, WEBINAR, QUOTE = "Call me back", "Webinar", "Quote request"
SOURCES = (QUOTE, "Website form", "Trade fair", "Newsletter", "Partner page")
#: Name, days before the story's end on which it starts and ends.
CAMPAIGNS = (
    ("Spring fair", 120, 84), ("Close the books faster", 100, 50), ("Flow in five days", 70, 10),
    ("Webinar: one truth for stock", 45, -10), ("Call me back button", 30, -60),
)  # fmt: skip


def _when(*conditions: tuple[str, str, Any]) -> dict[str, Any]:
    return {"all": [{"field": name, "op": op, "value": value} for name, op, value in conditions]}


DEFINITION: dict[str, Any] = {
    "criteria": [
        {"name": "Names a product", "when": _when(("product", "in", list(PRODUCTS))), "points": 20},
        {"name": "50 people or more", "when": _when(("employees", "gte", 50)), "points": 25},
        {"name": "A budget of 10,000 or more", "when": _when(("budget", "gte", 10_000)), "points": 25},
        {"name": "Asks for a quote or a call", "when": _when(("source", "in", [QUOTE, CALL_BACK])), "points": 25},
        {"name": "Student or private", "when": _when(("message", "contains", "student")), "points": -60},
        {"name": "Gives a country", "when": {"all": [{"field": "country", "op": "exists"}]}, "points": 10},
    ],
    "grades": {"A": 70, "B": 45, "C": 0},
    "qualify_from": 5,
    "nurture_below": 20,
}

LOCAL = ("GB", "IE", "NL", "BE", "NO", "SE", "DK", "JP", "BR", "MX", "CO", "FR", "ES")
NORTH_AMERICA = ("US", "CA")
GERMAN = ("DE", "AT", "CH", "LI")


def rules(ids: dict[str, str], pool_hours: int = 96) -> list[dict[str, Any]]:
    """The rules; ``ids``: partner ids by key. ``pool_hours``: how long webinar guests stay in the open pool."""
    covered = [*GERMAN, *NORTH_AMERICA, *LOCAL]
    turns = {"kind": "weighted_round_robin", "by": "country"}
    return [
        {"name": "Key accounts", "when": _when(("employees", "gte", 1000), ("country", "in", ["GB", "IE"])),
         "strategy": {"kind": "named", "partner": ids["kestrel"]}, "then": "next"},
        {"name": "Webinar guests to the open pool", "when": _when(("source", "eq", WEBINAR)),
         "strategy": {"kind": "open_pool", "hours": pool_hours}, "then": "next"},
        {"name": "German-speaking countries", "when": _when(("country", "in", list(GERMAN))),
         "pool": {"tags": ["local"]}, "strategy": turns, "then": "next"},
        {"name": "North America", "when": _when(("country", "in", list(NORTH_AMERICA))),
         "strategy": {"kind": "least_loaded"}, "then": "queue"},
        {"name": "Wherever a local partner is", "when": _when(("country", "in", list(LOCAL))),
         "pool": {"tags": ["local"]}, "strategy": turns, "then": "next"},
        {"name": "Whoever sells everywhere", "when": _when(("country", "in", covered)), "pool": {"tags": ["global"]},
         "strategy": {"kind": "least_loaded"}, "then": "queue"},
    ]  # fmt: skip


def _within(value: int, unit: str, clock: str = "business") -> dict[str, Any]:
    return {"value": value, "unit": unit, "clock": clock}


def policy(default: dict[str, Any]) -> dict[str, Any]:
    """The second policy: the default one, with calls back on the clock, a second touch, and deals kept up to date."""
    calls = _when(("source", "eq", CALL_BACK))
    return {
        **default,
        "obligations": [
            {"kind": "respond", "when": calls, "within": _within(8, "hours", "calendar")},
            {"kind": "first_contact", "when": calls, "within": _within(24, "hours", "calendar")},
            *default["obligations"],
            {"kind": "next_touch", "within": _within(5, "days"), "touches": 2, "on_breach": {"reassign": False}},
            {"kind": "update", "within": _within(10, "days"), "on_breach": {"reassign": False}},
        ],
        "hand_overs": 3,
        "vendor": {"hand_over_within": _within(4, "hours"), "appeal_within": _within(3, "days")},
    }


FIRST = ("Alina", "Bertil", "Carys", "Dario", "Elif", "Fenna", "Goran", "Hedda", "Ilya", "Jolanda", "Kofi", "Liv",
         "Mirko", "Noor", "Odette", "Pavel", "Rosalie", "Stellan", "Tamsin", "Yusra")  # fmt: skip
LAST = ("Abendroth", "Brackwater", "Caldera", "Dunmoor", "Eschenhain", "Farrowby", "Gildersome", "Hollenbeck", "Islay",
        "Juniper", "Kaltenau", "Lindmark", "Marlowe", "Nightingale", "Orchard", "Pemberley", "Quarry", "Rosenhag",
        "Silverton", "Thornfield")  # fmt: skip
TRADE = ("Amber", "Birch", "Copper", "Delta", "Elder", "Falcon", "Granite", "Harbour", "Indigo", "Jasper", "Kelp",
         "Larch", "Marble", "North Star", "Orchid", "Pebble", "Quartz", "River", "Saffron", "Timber")  # fmt: skip
KIND = ("Bakeries", "Bikes", "Ceramics", "Clinics", "Fittings", "Foods", "Gardens", "Instruments", "Joinery",
        "Kitchens", "Logistics", "Optics", "Outdoor", "Paper", "Pumps", "Seeds", "Shipping", "Textiles", "Tools",
        "Toys")  # fmt: skip
OBJECTIONS = ("Price", "Missing connector", "Happy with what they have", "No project this year", "Data protection")
COMPETITORS = ("Brightledger (invented)", "Stockpilot (invented)", "Spreadsheets")
QUESTIONS = (
    "Does it import from spreadsheets?", "How long does a first site take?", "Which tills does it work with?",
    "Can our accountant sign in too?", "We have two warehouses; is that one licence?",
)  # fmt: skip


def enquiry(number: int) -> dict[str, Any]:
    """The invented facts of lead ``number``, the same each time: person, company, product, size."""
    rng = random.Random(f"enquiry {number}")
    first, last = FIRST[number % 20], LAST[(number * 7 + number // 20) % 20]
    company = f"{TRADE[number * 3 % 20]} {KIND[(number * 11 + number // 20) % 20]}"
    domain = f"{company.lower().replace(' ', '-')}-{number}.example"
    size = rng.choice((12, 28, 45, 60, 85, 140, 260, 410))
    return {
        "external_id": f"TW-{number:04}", "first_name": first, "last_name": last, "company": company,
        "email": f"{first.lower()}.{last.lower()}@{domain}", "phone": f"+44 20 7946 0{number % 1000:03}",
        "product": rng.choice(PRODUCTS[:2]), "source": rng.choice(SOURCES), "employees": size,
        "budget": float(rng.choice((4_000, 9_000, 15_000, 24_000, 60_000))), "message": rng.choice(QUESTIONS),
        "language": "en",
    }  # fmt: skip
