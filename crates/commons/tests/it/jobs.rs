//! Jobs from submission to payment, and every other way in which they end.

use troupe_commons::governance::Action;
use troupe_commons::jobs::{
    Fault, JobResult, JobSpec, MAX_INPUTS, MAX_TRIES, Offer, Phase, Slot, commitment, job,
};
use troupe_commons::mana::Owner;
use troupe_commons::trust::{Context, Level, Scope};
use troupe_commons::{Act, Code, Id, Reply, Tick, reputation};

use crate::cooperative::{Cooperative, MANA, code, person, result};

/// Nothing regenerates and nothing costs anything but jobs.
const STILL: &[(&str, u64)] = &[("mana-rate", 0), ("job-fee", 0), ("proposal-fee", 0)];

fn id(text: &str) -> Id {
    Id(troupe_chain::Hash::of(text.as_bytes()))
}

fn phase(coop: &Cooperative, id: Id) -> &'static str {
    job(&coop.state, id).unwrap().phase.name()
}

fn slots(coop: &Cooperative, id: Id) -> Vec<Slot> {
    match job(&coop.state, id).unwrap().phase {
        Phase::Assigned { slots } => slots,
        other => panic!("{}", other.name()),
    }
}

#[test]
fn a_job_is_paid_by_fuel_and_the_rest_goes_back() {
    let mut coop = Cooperative::new(3, STILL);
    let job = coop.assigned(&person(1), &person(2));
    assert_eq!((coop.balance(&person(1)), coop.on(Owner::Escrow)), (MANA - 100, 100));
    coop.receipt(&person(2), job, result(501)).unwrap();
    coop.wait(60_000);
    assert_eq!(code(coop.tick(Tick::Settle(job))), Code::TooEarly);
    coop.wait(1);
    assert_eq!(coop.tick(Tick::Settle(job)), Ok(Reply::Now("settled".into())));
    // 60 mana for 1,000 of fuel: 30.06 for 501, rounded up.
    assert_eq!((coop.balance(&person(1)), coop.balance(&person(2))), (MANA - 31, MANA + 31));
    assert_eq!((coop.on(Owner::Escrow), reputation::score(&coop.state, person(2).id, coop.at)), (0, 10));
}

#[test]
fn a_failure_receipt_is_paid_like_any_other() {
    let mut coop = Cooperative::new(3, STILL);
    let job = coop.assigned(&person(1), &person(2));
    let failed = JobResult { error: Some("fuel".into()), output: None, ..result(1_000) };
    coop.receipt(&person(2), job, failed).unwrap();
    coop.act(&person(1), Act::Accept { job }).unwrap();
    assert_eq!(coop.balance(&person(2)), MANA + 60);
}

#[test]
fn a_result_has_an_output_or_an_error() {
    let mut coop = Cooperative::new(3, STILL);
    let job = coop.assigned(&person(1), &person(2));
    let neither = JobResult { output: None, ..result(1) };
    let both = JobResult { error: Some("fuel".into()), ..result(1) };
    assert_eq!(code(coop.receipt(&person(2), job, neither)), Code::Bounds);
    assert_eq!(code(coop.receipt(&person(2), job, both)), Code::Bounds);
}

#[test]
fn silence_costs_reputation_and_refunds() {
    let mut coop = Cooperative::new(3, STILL);
    let first = coop.assigned(&person(1), &person(2));
    coop.receipt(&person(2), first, result(1)).unwrap();
    coop.act(&person(1), Act::Accept { job: first }).unwrap();
    let (before, job) = (coop.balance(&person(1)), coop.assigned(&person(1), &person(2)));
    coop.wait(90_000);
    assert_eq!(code(coop.tick(Tick::Expire(job))), Code::TooEarly);
    coop.wait(1);
    assert_eq!(code(coop.receipt(&person(2), job, result(1))), Code::TooLate);
    assert_eq!(coop.tick(Tick::Expire(job)), Ok(Reply::Now("expired".into())));
    assert_eq!(
        (coop.balance(&person(1)), reputation::score(&coop.state, person(2).id, coop.at)),
        (before, 0)
    );
}

#[test]
fn giving_up_refunds_without_pay() {
    let mut coop = Cooperative::new(3, STILL);
    let job = coop.assigned(&person(1), &person(2));
    let fault = Fault::Job;
    assert_eq!(code(coop.act(&person(3), Act::Abandon { fault, job })), Code::NotAllowed);
    coop.act(&person(2), Act::Abandon { fault, job }).unwrap();
    assert_eq!(
        (phase(&coop, job), coop.balance(&person(1)), coop.balance(&person(2))),
        ("expired", MANA, MANA)
    );
}

/// Bids for an open job and has it awarded.
fn award(coop: &mut Cooperative, by: u8, id: Id) {
    coop.bid(&person(by), id, 60).unwrap();
    let wait = job(&coop.state, id).unwrap().closes.saturating_sub(coop.at);
    coop.wait(wait);
    coop.tick(Tick::Award(id)).unwrap();
}

#[test]
fn what_one_executor_gives_back_another_finishes_and_is_paid_for() {
    let mut coop = Cooperative::new(3, STILL);
    let id = coop.assigned(&person(1), &person(2));
    coop.due.clear();
    coop.act(&person(2), Act::Abandon { fault: Fault::Executor, job: id }).unwrap();
    let open = job(&coop.state, id).unwrap();
    assert_eq!((open.phase.name(), &open.tried[..]), ("open", &[person(2).id][..]));
    assert_eq!((open.closes, coop.on(Owner::Escrow)), (coop.at + 10_000, 100));
    assert_eq!(coop.due.values().collect::<Vec<_>>(), [&Tick::Award(id)]);
    assert_eq!(code(coop.receipt(&person(2), id, result(1_000))), Code::Phase);
    award(&mut coop, 3, id);
    assert_eq!(code(coop.receipt(&person(2), id, result(1_000))), Code::NotAllowed);
    let from = Some(id);
    coop.receipt(&person(3), id, JobResult { from, ..result(1_000) }).unwrap();
    coop.act(&person(1), Act::Accept { job: id }).unwrap();
    let balances = [1, 2, 3].map(|seed| coop.balance(&person(seed)));
    assert_eq!((balances, coop.on(Owner::Escrow)), ([MANA - 60, MANA, MANA + 60], 0));
}

#[test]
fn a_term_that_ends_opens_the_job_again_and_its_deadline_refunds_it() {
    let mut coop = Cooperative::new(3, STILL);
    let spec = JobSpec { term: Some(20_000), ..coop.spec(100, 1) };
    let (deadline, id) = (spec.deadline, coop.submit(&person(1), spec));
    award(&mut coop, 2, id);
    assert!(coop.due.contains_key(&(coop.at + 20_001, 2)), "{:?}", coop.due);
    coop.wait(20_000);
    assert_eq!(code(coop.tick(Tick::Expire(id))), Code::TooEarly);
    coop.wait(1);
    assert_eq!(code(coop.receipt(&person(2), id, result(1))), Code::TooLate);
    assert_eq!(coop.tick(Tick::Expire(id)), Ok(Reply::Now("open".into())));
    assert_eq!(coop.on(Owner::Escrow), 100);
    // The one who was silent may try again.
    award(&mut coop, 2, id);
    coop.at = deadline + 1;
    coop.tick(Tick::Expire(id)).unwrap();
    assert_eq!((phase(&coop, id), coop.balance(&person(1)), coop.on(Owner::Escrow)), ("expired", MANA, 0));
}

#[test]
fn a_job_is_not_tried_for_ever() {
    let mut coop = Cooperative::new(3, STILL);
    let spec = JobSpec { deadline: coop.at + 1_000_000, ..coop.spec(100, 1) };
    let id = coop.submit(&person(1), spec);
    for n in 1..=MAX_TRIES {
        award(&mut coop, 2, id);
        coop.act(&person(2), Act::Abandon { fault: Fault::Executor, job: id }).unwrap();
        assert_eq!(phase(&coop, id), if n < MAX_TRIES { "open" } else { "expired" });
    }
    assert_eq!(coop.balance(&person(1)), MANA);
}

#[test]
fn fuel_is_for_each_input_and_the_price_for_all_of_them() {
    let mut coop = Cooperative::new(3, STILL);
    let one = coop.spec(100, 1);
    let inputs = vec![one.inputs[0]; 4];
    let id = coop.submit(&person(1), JobSpec { inputs, ..one });
    award(&mut coop, 2, id);
    assert_eq!(code(coop.receipt(&person(2), id, result(4_001))), Code::Bounds);
    coop.receipt(&person(2), id, result(2_000)).unwrap();
    coop.act(&person(1), Act::Accept { job: id }).unwrap();
    assert_eq!(coop.balance(&person(2)), MANA + 30, "half of 60, for half of four times 1,000");
}

#[test]
fn only_its_submitter_takes_back_a_job_and_only_before_the_award() {
    let mut coop = Cooperative::new(3, STILL);
    let spec = coop.spec(100, 1);
    let open = coop.submit(&person(1), spec);
    assert_eq!(code(coop.act(&person(2), Act::Cancel { job: open })), Code::NotAllowed);
    coop.act(&person(1), Act::Cancel { job: open }).unwrap();
    let job = coop.assigned(&person(1), &person(2));
    assert_eq!(code(coop.act(&person(1), Act::Cancel { job })), Code::Phase);
}

#[test]
fn a_ruling_ends_a_dispute() {
    for (right, executor, submitter) in [(true, MANA + 6, MANA - 6), (false, MANA, MANA)] {
        let mut coop = Cooperative::new(3, STILL);
        let job = coop.assigned(&person(1), &person(2));
        coop.receipt(&person(2), job, result(100)).unwrap();
        coop.act(&person(1), Act::Dispute { job }).unwrap();
        assert_eq!(code(coop.act(&person(1), Act::Accept { job })), Code::Phase);
        let result = right.then(|| result(100).digest());
        coop.decide(&[person(1), person(2), person(3)], Action::Ruling { job, result });
        assert_eq!((coop.balance(&person(2)), coop.balance(&person(1))), (executor, submitter));
    }
}

#[test]
fn a_dispute_without_a_ruling_ends_with_a_refund() {
    let mut coop = Cooperative::new(3, STILL);
    let job = coop.assigned(&person(1), &person(2));
    coop.receipt(&person(2), job, result(100)).unwrap();
    coop.act(&person(1), Act::Dispute { job }).unwrap();
    coop.wait(604_800_000);
    assert_eq!(code(coop.tick(Tick::Expire(job))), Code::TooEarly);
    coop.wait(1);
    coop.tick(Tick::Expire(job)).unwrap();
    assert_eq!((phase(&coop, job), coop.balance(&person(1))), ("expired", MANA));
}

/// Three executors, of whom each comes to a result with so much fuel.
fn replicated(coop: &mut Cooperative, fuel: [u64; 3]) -> Id {
    let (spec, salt) = (coop.spec(50, 3), id("salt"));
    let job = coop.submit(&person(1), spec);
    for seed in 2..=4 {
        coop.bid(&person(seed), job, 50).unwrap();
    }
    coop.wait(10_000);
    coop.tick(Tick::Award(job)).unwrap();
    for (seed, fuel) in (2..).zip(fuel) {
        let digest = commitment(person(seed).id, job, &result(fuel), salt);
        coop.act(&person(seed), Act::Commit { digest, job }).unwrap();
    }
    for (seed, fuel) in (2..).zip(fuel) {
        coop.act(&person(seed), Act::Receipt { job, result: result(fuel), salt: Some(salt) }).unwrap();
    }
    job
}

#[test]
fn those_who_agree_are_paid_and_who_does_not_is_not() {
    let mut coop = Cooperative::new(4, STILL);
    let job = replicated(&mut coop, [100, 100, 900]);
    assert_eq!(phase(&coop, job), "executed");
    coop.act(&person(1), Act::Accept { job }).unwrap();
    let balances = [1, 2, 3, 4].map(|seed| coop.balance(&person(seed)));
    assert_eq!(balances, [MANA - 10, MANA + 5, MANA + 5, MANA]);
}

#[test]
fn replicas_that_do_not_agree_are_a_dispute() {
    let mut coop = Cooperative::new(4, STILL);
    let job = replicated(&mut coop, [100, 200, 300]);
    assert_eq!(phase(&coop, job), "disputed");
    let wrong = Action::Ruling { job, result: Some(result(7).digest()) };
    let failed = coop.decide(&[person(1), person(2), person(3)], wrong);
    let proposal = troupe_commons::governance::proposal(&coop.state, failed).unwrap();
    assert_eq!(proposal.stage.name(), "failed");
    let right = Action::Ruling { job, result: Some(result(200).digest()) };
    coop.decide(&[person(1), person(2), person(3)], right);
    assert_eq!((phase(&coop, job), coop.balance(&person(3))), ("settled", MANA + 10));
}

#[test]
fn what_some_showed_is_judged_once_the_others_have_had_their_time() {
    let mut coop = Cooperative::new(4, STILL);
    let (spec, salt) = (coop.spec(50, 3), id("salt"));
    let job = coop.submit(&person(1), spec);
    for seed in 2..=4 {
        coop.bid(&person(seed), job, 50).unwrap();
    }
    coop.wait(10_000);
    coop.tick(Tick::Award(job)).unwrap();
    for seed in [2, 3] {
        let digest = commitment(person(seed).id, job, &result(100), salt);
        coop.act(&person(seed), Act::Commit { digest, job }).unwrap();
    }
    coop.wait(90_001);
    for seed in [2, 3] {
        coop.act(&person(seed), Act::Receipt { job, result: result(100), salt: Some(salt) }).unwrap();
    }
    coop.wait(60_000);
    assert_eq!(coop.tick(Tick::Expire(job)), Ok(Reply::Now("executed".into())));
}

#[test]
fn the_best_bids_win_whatever_their_order() {
    for order in [[2, 3, 4], [4, 3, 2], [3, 4, 2]] {
        let mut coop = Cooperative::new(4, STILL);
        let spec = JobSpec { quorum: 2, ..coop.spec(100, 2) };
        let job = coop.submit(&person(1), spec);
        for seed in order {
            coop.bid(&person(seed), job, u64::from(seed) * 10).unwrap();
        }
        coop.wait(10_000);
        coop.tick(Tick::Award(job)).unwrap();
        let executors: Vec<_> = slots(&coop, job).iter().map(|slot| slot.executor).collect();
        assert_eq!(executors, [person(2).id, person(3).id]);
    }
}

#[test]
fn who_is_not_fit_cannot_bid_and_is_passed_over() {
    let mut coop = Cooperative::new(4, STILL);
    let limits = [("fuel".to_owned(), 1_000), ("memory".to_owned(), 64)].into();
    let scope = Some(Scope { context: Context::ResourceSharing, level: Level::Basic });
    let capabilities = vec!["gpu".to_owned()];
    let spec = JobSpec { capabilities, limits, scope, ..coop.spec(100, 1) };
    let job = coop.submit(&person(1), spec);
    let offer = Offer { capabilities: vec!["gpu".into()], job, latency: 1, memory: 64, price: 9 };
    let bid = |coop: &mut Cooperative, by, offer: &Offer| coop.act(&person(by), Act::Bid(offer.clone()));
    assert_eq!(code(bid(&mut coop, 2, &Offer { capabilities: vec![], ..offer.clone() })), Code::Unfit);
    assert_eq!(code(bid(&mut coop, 2, &Offer { memory: 63, ..offer.clone() })), Code::Unfit);
    assert_eq!(code(bid(&mut coop, 2, &offer)), Code::Unfit);
    let trust = |to: u8, level| Act::Trust { context: Context::ResourceSharing, level, to: person(to).id };
    coop.act(&person(1), trust(2, Level::Full)).unwrap();
    coop.act(&person(1), trust(3, Level::Basic)).unwrap();
    bid(&mut coop, 2, &offer).unwrap();
    coop.wait(10_000);
    coop.act(&person(1), trust(2, Level::None)).unwrap();
    assert_eq!(code(coop.tick(Tick::Award(job))), Code::TooEarly);
    bid(&mut coop, 3, &Offer { price: 90, ..offer }).unwrap();
    coop.tick(Tick::Award(job)).unwrap();
    assert_eq!(slots(&coop, job)[0].executor, person(3).id);
}

#[test]
fn a_submission_is_taken_as_a_whole_or_not_at_all() {
    let mut coop = Cooperative::new(3, STILL);
    let spec = coop.spec(200, 1);
    let submit = |specs: Vec<JobSpec>| Act::Submit { jobs: specs };
    assert_eq!(code(coop.act(&person(1), submit(vec![spec.clone(); 3]))), Code::Mana);
    assert_eq!(coop.balance(&person(1)), MANA);
    let Ok(Reply::Jobs(ids)) = coop.act(&person(1), submit(vec![spec.clone(); 2])) else { panic!("taken") };
    assert!(ids[0] != ids[1] && coop.balance(&person(1)) == MANA - 400);
    assert_eq!(code(coop.act(&person(2), submit(vec![spec; 17]))), Code::Bounds);
}

#[test]
fn terms_out_of_bounds_are_refused() {
    let mut coop = Cooperative::new(3, &[("job-fuel-max", 5_000), ("job-price-max", 300)]);
    let good = coop.spec(100, 1);
    let fuel = |fuel| [("fuel".to_owned(), fuel)].into();
    for (what, spec) in [
        ("no replicas", JobSpec { replicas: 0, quorum: 0, ..good.clone() }),
        ("too many", JobSpec { replicas: 8, quorum: 5, ..good.clone() }),
        ("half is no quorum", JobSpec { replicas: 2, quorum: 1, ..good.clone() }),
        ("more than all", JobSpec { quorum: 2, ..good.clone() }),
        ("no inputs", JobSpec { inputs: vec![], ..good.clone() }),
        ("too many inputs", JobSpec { inputs: vec![id("input"); MAX_INPUTS + 1], ..good.clone() }),
        ("a bundle for nothing", JobSpec { bundle: Some(id("bundle")), ..good.clone() }),
        ("no term", JobSpec { term: Some(0), ..good.clone() }),
        ("a term with replicas", JobSpec { term: Some(9), replicas: 3, quorum: 2, ..good.clone() }),
        ("too much fuel for all", JobSpec { inputs: vec![id("input"); 6], ..good.clone() }),
        ("no fuel", JobSpec { limits: Default::default(), ..good.clone() }),
        ("too much fuel", JobSpec { limits: fuel(5_001), ..good.clone() }),
        ("no price", JobSpec { price: 0, ..good.clone() }),
        ("too high a price", JobSpec { price: 301, ..good.clone() }),
        ("no time for bids", JobSpec { deadline: coop.at + 10_000, ..good.clone() }),
        ("far away", JobSpec { deadline: coop.at + 367 * 86_400_000, ..good.clone() }),
    ] {
        assert_eq!(code(coop.act(&person(1), Act::Submit { jobs: vec![spec] })), Code::Bounds, "{what}");
    }
}

#[test]
fn governance_can_refuse_a_component_and_how_many_jobs_there_are() {
    let mut coop = Cooperative::new(2, &[("jobs-open-max", 1), ("proposal-fee", 0)]);
    let spec = coop.spec(10, 1);
    coop.submit(&person(1), spec.clone());
    assert_eq!(code(coop.act(&person(1), Act::Submit { jobs: vec![spec] })), Code::Bounds);
    let all = [person(1), person(2)];
    coop.decide(&all, Action::Ban { component: id("component") });
    let spec = coop.spec(10, 1);
    assert_eq!(code(coop.act(&person(2), Act::Submit { jobs: vec![spec] })), Code::NotAllowed);
    coop.decide(&all, Action::Unban { component: id("component") });
    let spec = coop.spec(10, 1);
    coop.submit(&person(2), spec);
}

#[test]
fn what_time_brings_about_is_due_then() {
    let mut coop = Cooperative::new(4, STILL);
    let spec = coop.spec(50, 3);
    let (deadline, closes) = (spec.deadline, coop.at + 10_000);
    let job = coop.submit(&person(1), spec);
    let due = |coop: &Cooperative| coop.due.iter().map(|((at, _), tick)| (*at, *tick)).collect::<Vec<_>>();
    assert_eq!(due(&coop), [(closes, Tick::Award(job)), (deadline + 60_001, Tick::Expire(job))]);
    // The award has too few bids, and is due again with the last that it needs.
    coop.wait(10_000);
    assert_eq!(code(coop.tick(Tick::Award(job))), Code::TooEarly);
    coop.due.clear();
    coop.bid(&person(2), job, 50).unwrap();
    coop.bid(&person(3), job, 50).unwrap();
    assert_eq!(due(&coop), []);
    coop.bid(&person(4), job, 50).unwrap();
    assert_eq!(due(&coop), [(coop.at, Tick::Award(job))]);
    coop.tick(Tick::Award(job)).unwrap();
}
