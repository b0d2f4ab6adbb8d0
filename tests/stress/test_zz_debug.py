"""debug"""
from tests.stress.test_races import *
t1 = test_days_of_everything_at_once_leave_no_trace_of_the_race
from models.compliance import LedgerEntry
from portal.enforcement.verify import *
import tests.stress.test_races as R
def dump(session):
    versions = ladders(session)
    for partner in session.scalars(select(Partner).order_by(Partner.slot)):
        rows = session.scalars(select(Obligation).where(Obligation.partner_id == partner.id)).all()
        marks = [mark(row) for row in rows]
        first = initial(partner.created_at)
        ms = measures_of(session, partner.id, partner.created_at - BEGINNING)
        state, steps = advance(first, marks, ms, versions, business_days(session, partner), partner.folded_until)
        ch=[(s.at, s.from_, s.to) for s in steps if s.from_ is not s.to]
        en=[(e.at,e.from_standing,e.to_standing,e.id) for e in session.scalars(select(LedgerEntry).where(LedgerEntry.partner_id==partner.id, LedgerEntry.kind=='change').order_by(LedgerEntry.at,LedgerEntry.id))]
        if [x[:3] for x in en]!=ch:
            print(partner.name, partner.folded_until)
            for i in range(max(len(ch),len(en))):
                a=ch[i] if i<len(ch) else None; b=en[i] if i<len(en) else None
                if a!=(b and b[:3]):
                    print('  fold  ',a and (str(a[0]),str(a[1]),str(a[2]))); print('  ledger',b and (str(b[0]),str(b[1]),str(b[2]),b[3]))
                    at=min(x[0] for x in (a,b) if x)
                    for r in rows:
                        ins={k:getattr(r,k) for k in ('opened_at','due_at','grace_until','met_at','breached_at','cured_at','waived_at','cancelled_at','settled_at')}
                        if any(v and abs((v-at).total_seconds())<3600 for v in ins.values()): print('    ',r.kind,r.state,r.reassign,{k:str(v)[5:] for k,v in ins.items() if v})
                    for m in ms:
                        if abs((m.at-at).total_seconds())<7200: print('    M',m)
                    break
old=R.all_well
def all_well(session,outcome):
    session.expire_all()
    if checks.wrong_now(session): dump(session)
    return old(session,outcome)
R.all_well=all_well
