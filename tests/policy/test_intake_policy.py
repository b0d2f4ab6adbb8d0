"""What an enquiry must be to come in: every refusal of every field, and what is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.errors import Invalid
from portal.intake.policy import FIELDS, IntakeError, LeadFactsIn, LeadIn, check_received_at, parse_lead

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
EMAIL = {"email": "anna@acme.example"}


def errors_of(data: object, **options: bool) -> list[tuple[str, str]]:
    with pytest.raises(IntakeError) as refused:
        parse_lead(data, NOW, **options)  # type: ignore[arg-type]
    return refused.value.errors


def test_a_full_lead_is_kept_normalised() -> None:
    lead = parse_lead(
        {
            "email": " Anna@Acme.example ", "phone": "030 1234567", "first_name": "Anna",
            "last_name": "Bauer", "company": "Acme", "country": "de", "region": "Berlin",
            "postcode": "10115", "city": "Berlin", "product": "Press",
            "source": "web", "campaign": "Spring", "message": "Hello\r\nthere",
            "employees": 250, "budget": 12_000.5, "language": "de_DE",
            "received_at": "2026-03-02T10:30:00+01:00",
            "external_id": "x-1", "utm_source": "a", "utm_medium": "b", "utm_campaign": "c", "utm_term": "d",
            "utm_content": "e",
            "custom": {"segment": "SMB", "seats": 5, "share": 0.5, "new": True, "none": None},
        },
        NOW,
    )  # fmt: skip
    assert lead == LeadIn(
        received_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC), external_id="x-1", email="Anna@Acme.example",
        email_norm="anna@acme.example", phone="030 1234567", phone_norm="+49301234567", phone_suspect=False,
        first_name="Anna", last_name="Bauer", company="Acme", company_domain="acme.example", country="DE",
        region="Berlin", postcode="10115", city="Berlin", product="Press", source="web", campaign="Spring",
        message="Hello\nthere", employees=250, budget=12_000.5, language="de-DE", utm_source="a",
        utm_medium="b", utm_campaign="c", utm_term="d", utm_content="e",
        custom={"segment": "SMB", "seats": 5, "share": 0.5, "new": True, "none": None},
    )  # fmt: skip
    assert lead.received_at.tzinfo is UTC
    assert lead.custom["new"] is True


def test_little_is_enough() -> None:
    assert parse_lead(EMAIL, NOW) == LeadIn(
        received_at=NOW,
        email="anna@acme.example",
        email_norm="anna@acme.example",
        company_domain="acme.example",
    )


def test_empty_is_the_same_as_left_out() -> None:
    nothing = {name: " " for name in FIELDS if name not in ("email", "employees", "budget", "custom")}
    assert parse_lead(EMAIL | nothing, NOW) == parse_lead(EMAIL, NOW)
    assert parse_lead(dict.fromkeys(FIELDS) | EMAIL, NOW) == parse_lead(EMAIL, NOW)


@pytest.mark.parametrize("data", [{}, {"email": "", "phone": " "}, {"email": None}, {"company": "Acme"}])
def test_a_contact_is_needed(data: dict[str, object]) -> None:
    assert errors_of(data) == [("email", "Give an e-mail address or a phone number.")]


def test_a_bad_phone_beside_a_good_address_is_kept_and_flagged() -> None:
    lead = parse_lead(EMAIL | {"phone": "call me"}, NOW)
    assert (lead.phone, lead.phone_norm, lead.phone_suspect) == ("call me", None, True)


def test_a_bad_phone_alone_is_refused() -> None:
    ((field, sentence),) = errors_of({"phone": "call me"})
    assert field == "phone"
    assert sentence.startswith("This is not a phone number")


def test_a_phone_in_a_range_not_known_will_do_alone() -> None:
    lead = parse_lead({"phone": "+1 555 123 4567"}, NOW)
    assert (lead.phone_norm, lead.phone_suspect) == ("+15551234567", True)


def test_a_bad_address_is_refused_beside_a_good_phone() -> None:
    assert [field for field, _ in errors_of({"email": "anna", "phone": "+49 30 1234567"})] == ["email"]


def test_a_phone_is_not_blamed_for_its_country() -> None:
    assert [field for field, _ in errors_of({"phone": "030 1234567", "country": "Atlantis"})] == ["country"]


def test_countries_by_name_only_where_asked() -> None:
    assert [field for field, _ in errors_of(EMAIL | {"country": "Germany"})] == ["country"]
    assert parse_lead(EMAIL | {"country": "Germany"}, NOW, strict_country=False).country == "DE"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("company", "x" * 201, "too long: 200"),
        ("company", 5, "must be text"),
        ("company", ["x"], "must be text"),
        ("company", b"x", "must be text"),
        ("company", "a\0b", "NUL character: remove it"),
        ("company", "a\nb", "on one line"),
        ("company", "a\ud800", "half a character"),
        ("postcode", 10115, "must be text"),
        ("message", "x" * 10_001, "too long: 10,000"),
        ("message", "a\0b", "NUL character"),
        ("external_id", "x" * 201, "too long"),
        ("email", 5, "must be text"),
        ("email", "anna", "not an e-mail address"),
        ("email", "a\n@b.co", "on one line"),
        ("country", "Germany", "two-letter code"),
        ("country", 49, "must be text"),
        ("language", "German", "BCP 47"),
        ("language", 5, "must be text"),
        ("employees", -1, "whole number from 0"),
        ("employees", 1.5, "whole number from 0"),
        ("employees", True, "whole number from 0"),
        ("employees", "250", "whole number from 0"),
        ("employees", float("nan"), "whole number from 0"),
        ("employees", 10**400, "whole number from 0"),
        ("budget", -0.01, "number from 0"),
        ("budget", "12", "number from 0"),
        ("budget", False, "number from 0"),
        ("budget", float("inf"), "number from 0"),
        ("budget", float("nan"), "number from 0"),
        ("budget", 10**400, "number from 0"),
        ("received_at", "yesterday", "ISO 8601 with its offset"),
        ("received_at", "2026-03-02T10:00:00", "ISO 8601 with its offset"),
        ("received_at", "2026-03-02", "ISO 8601 with its offset"),
        ("received_at", 1772445600, "ISO 8601 with its offset"),
        ("received_at", True, "ISO 8601 with its offset"),
        ("received_at", "2026-03-02T10:05:01Z", "in the future"),
        ("received_at", "9999-12-31T23:59:59-14:00", "in the future"),
        ("received_at", "1989-12-31T23:59:59Z", "before 1990"),
        ("received_at", "0001-01-01T00:00:00+14:00", "before 1990"),
        ("custom", [1], "object of names and values"),
        ("custom", "x", "object of names and values"),
        ("custom", {str(n): n for n in range(51)}, "too many custom fields: 50"),
        ("custom", {"a": 1, " a": 2}, "same name"),
        ("custom", {"a\0": 1}, "NUL character"),
        ("custom", {"a\ud800": 1}, "half a character"),
    ],
)
def test_a_field_refuses(field: str, value: object, said: str) -> None:
    ((where, sentence),) = errors_of({"phone": "+49 30 1234567", field: value})
    assert where == field
    assert said in sentence


@pytest.mark.parametrize(
    ("custom", "field", "said"),
    [
        ({"": 1}, "custom.", "needs a name"),
        ({"k" * 65: 1}, "custom." + "k" * 65, "too long: 64"),
        ({"a": "x" * 201}, "custom.a", "too long: 200"),
        ({"a": "x\ny"}, "custom.a", "on one line"),
        ({"a": [1]}, "custom.a", "text, a number, true, false or null"),
        ({"a": {"b": 1}}, "custom.a", "text, a number, true, false or null"),
        ({"a": float("nan")}, "custom.a", "must be a number"),
        ({"a": 10**400}, "custom.a", "must be a number"),
    ],
)
def test_a_custom_field_refuses(custom: dict[str, object], field: str, said: str) -> None:
    errors = errors_of(EMAIL | {"custom": custom})
    assert {where for where, _ in errors} == {field}
    assert said in errors[0][1]


@pytest.mark.parametrize("name", ["status", "Email", "partner_id", "x" * 500])
def test_an_unknown_field_is_refused(name: str) -> None:
    assert errors_of(EMAIL | {name: "x"}) == [(name[:200], "There is no field of this name.")]


@pytest.mark.parametrize("data", [[], "x", None, 5])
def test_a_lead_is_an_object(data: object) -> None:
    assert errors_of(data) == [("", "A lead must be an object of fields and values.")]


def test_a_name_that_cannot_be_written_is_refused() -> None:
    assert "half a character" in errors_of(EMAIL | {"x\ud800": 1})[0][1]


def test_all_that_is_wrong_is_told_at_once() -> None:
    data = {
        "phone": "call me",
        "employees": -1,
        "budget": "x",
        "received_at": "2027-01-01T00:00:00Z",
        "foo": 1,
    }
    assert {field for field, _ in errors_of(data)} == {"phone", "employees", "budget", "received_at", "foo"}


def test_the_refusal_is_one_that_the_edge_knows() -> None:
    assert issubclass(IntakeError, Invalid)


def test_limits_are_inclusive() -> None:
    data = {"company": "x" * 200, "message": "m" * 10_000, "employees": 10**9, "budget": 10**15}
    custom = {f"{n:064}": "v" * 200 for n in range(50)}
    lead = parse_lead(EMAIL | data | {"custom": custom}, NOW)
    assert (len(lead.company or ""), len(lead.message or ""), len(lead.custom)) == (200, 10_000, 50)


def test_a_whole_float_counts_heads() -> None:
    employees = parse_lead(EMAIL | {"employees": 250.0}, NOW).employees
    assert (employees, type(employees)) == (250, int)


@pytest.mark.parametrize(
    ("received_at", "kept"),
    [
        (None, NOW),
        (NOW - timedelta(days=3), NOW - timedelta(days=3)),
        (NOW + timedelta(minutes=5), NOW),
        (datetime(1990, 1, 1, tzinfo=UTC), datetime(1990, 1, 1, tzinfo=UTC)),
    ],
)
def test_when_it_was_received(received_at: datetime | None, kept: datetime) -> None:
    assert check_received_at(received_at, NOW) == kept


@pytest.mark.parametrize("text", ["2026-03-02T09:00:00Z", "2026-03-02t09:00:00z", "2026-03-02T10:00:00.000+01:00"])
def test_an_instant_in_any_offset(text: str) -> None:
    assert parse_lead(EMAIL | {"received_at": text}, NOW).received_at == NOW - timedelta(hours=1)


def test_a_body_that_the_api_has_read_is_taken_as_it_is() -> None:
    body = LeadFactsIn.model_validate_json(
        '{"email": "anna@acme.example", "received_at": "2026-03-02T09:00:00Z", "custom": {"seats": 1}}'
    )
    assert parse_lead(body, NOW).received_at == NOW - timedelta(hours=1)


def test_the_shape_that_is_published_has_the_limits() -> None:
    shape = LeadFactsIn.model_json_schema()
    assert shape["additionalProperties"] is False
    assert list(shape["properties"]) == list(FIELDS)
    assert shape["properties"]["company"]["anyOf"][0] == {"type": "string", "maxLength": 200}
    assert shape["properties"]["message"]["anyOf"][0]["maxLength"] == 10_000
    assert shape["properties"]["custom"]["maxProperties"] == 50
