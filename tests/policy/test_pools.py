"""A pool's index finds exactly those whose settings take a lead, as the gates themselves say."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.allocation.gates import LeadFacts, static_miss
from portal.allocation.pools import Pool
from portal.vocabulary import Gate
from tests.policy.allocation_partners import partner

COUNTRIES = st.sampled_from(["DE", "AT", "FR"])
REGIONS = st.sampled_from(["BY", "DE-BY", "HH"])
PREFIXES = st.sampled_from(["8", "80", "80 3", "20457", "1"])
TERRITORY = st.tuples(COUNTRIES, st.none() | REGIONS, st.none() | PREFIXES)
PARTNERS = st.lists(
    st.tuples(st.lists(TERRITORY, max_size=3), st.frozensets(st.sampled_from(["Backup", "archive"]), max_size=1)),
    max_size=8,
)
LEADS = st.builds(
    LeadFacts,
    country=st.none() | COUNTRIES,
    region=st.none() | REGIONS,
    postcode=st.none() | st.sampled_from(["80331", "8 0331", "20457", "1", "99999", ""]),
    product=st.none() | st.sampled_from(["backup", "Archive", "Other"]),
)


@settings(max_examples=200, deadline=None)
@given(PARTNERS, st.lists(LEADS, min_size=1, max_size=4))
def test_the_index_says_what_the_gates_say(some: list[Any], leads: list[LeadFacts]) -> None:
    members = [
        partner(id=f"p{slot}", slot=slot, territories=tuple(territories), products=products)
        for slot, (territories, products) in enumerate(some)
    ]
    pool = Pool(reversed(members))
    for lead in (*leads, *leads):
        found = pool.fitting(lead)
        misses = {facts.slot: static_miss(facts, lead) for facts in members}
        assert [facts.slot for facts in found.partners] == [slot for slot, miss in misses.items() if miss is None]
        for gate in (Gate.TERRITORY, Gate.CERTIFIED):
            assert found.missed[gate] == sum(1 << slot for slot, miss in misses.items() if miss is gate)


def test_who_is_in_a_pool() -> None:
    inside, outside = partner(id="p1", slot=3), partner(id="p2", slot=4)
    pool = Pool([inside])
    assert inside in pool
    assert outside not in pool
    assert len(pool) == 1
