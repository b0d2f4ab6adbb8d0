"""One whole example for each body, shown in the documentation and sent by the tests."""

from typing import Any

RULE = {
    "name": "Germany by turn",
    "when": {"all": [{"field": "country", "op": "eq", "value": "DE"}]},
    "pool": {"covers_territory": True, "certified": True},
    "strategy": {"kind": "weighted_round_robin"},
    "then": "queue",
}
BY_SCHEMA: dict[str, Any] = {
    "LeadFactsIn": {
        "email": "anna.berg@nordwind.example", "phone": "+49 30 1234567", "first_name": "Anna", "last_name": "Berg",
        "company": "Nordwind GmbH", "country": "DE", "postcode": "10115", "product": "Core", "source": "website",
        "campaign": "Spring webinar", "message": "We would like a demo next week.", "employees": 120,
        "external_id": "web-2026-00017", "custom": {"segment": "midmarket"},
    },
    "Assign": {"partner_id": "01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10", "reason": "They know this customer"},
    "WithReason": {"reason": "Agreed on the phone"},
    "AppealIn": {
        "obligation_id": "01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10",
        "case": "We called twice on Monday; the number given was wrong.",
    },
    "AppealAnswer": {"granted": True, "reason": "The number was wrong, as the mail shows."},
    "Merge": {"into": "01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10"},
    "Decline": {"reason": "no_capacity", "note": "Our consultants are booked until April."},
    "ActivityIn": {"kind": "call", "outcome": "reached", "note": "Demo set.", "next_step_at": "2026-03-12T09:00:00Z"},
    "FeedbackIn": {
        "rating": 4, "disposition": "working", "objections": ["Price"], "competitor": "Another vendor",
        "note": "Budget is decided in May.",
    },
    "DealIn": {
        "name": "Nordwind, 120 seats", "stage": "proposal", "value": {"amount": "12000.00", "currency": "EUR"},
        "expected_close": "2026-06-30",
    },
    "DealChange": {"stage": "negotiation", "value": {"amount": "11500.00", "currency": "EUR"}},
    "Until": {"reason": "Moving offices", "until": "2026-04-01T07:00:00Z"},
    "Extend": {"reason": "The customer is on holiday", "due_at": "2026-03-20T16:00:00Z"},
    "PersonIn": {"email": "kim@partner.example", "name": "Kim Vogel", "role": "partner_rep"},
    "StaffIn": {"email": "lea@vendor.example", "name": "Lea Brandt", "role": "channel_manager"},
    "KeyIn": {"name": "Our CRM"},
    "RulesIn": {"rules": [RULE], "note": "First version"},
    "PeriodIn": {"from": "2026-01-01", "to": "2026-02-28"},
    "RuleListIn": {"name": "strategic-accounts", "items": ["Acme GmbH", "Globex"], "revision": 3},
    "VendorChange": {"timezone": "Europe/Berlin", "quiet_periods": [{"kind": "quarter_end", "days": 2}]},
    "PublishPolicy": {"effective_from": "2026-04-01T00:00:00Z"},
    "PartnerIn": {
        "name": "Vogel Systems", "tier": "gold", "weight": 2, "timezone": "Europe/Berlin", "country": "DE",
        "opening_hours": {"mon": [["09:00", "12:30"], ["13:30", "18:00"]], "tue": [["09:00", "18:00"]]},
        "territories": [{"country": "DE", "postcode_prefix": "10"}], "products": ["Core"], "tags": ["cloud"],
        "open_lead_cap": 10,
    },
    "PartnerChange": {
        "closures": [{"from": "2026-12-24", "to": "2026-12-31", "note": "Christmas"}], "wants_early_leads": True,
    },
    "PolicyIn": {
        "obligations": [
            {"kind": "respond", "within": {"value": 2, "unit": "days", "clock": "business"}},
            {"kind": "first_contact", "within": {"value": 2, "unit": "days", "clock": "business"}},
            {"kind": "feedback", "within": {"value": 10, "unit": "days", "clock": "business"}},
        ],
        "hand_overs": 5,
        "note": "First contact within 2 days for all",
    },
}  # fmt: skip
