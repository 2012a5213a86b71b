//! Every order in which a job and a hold can be settled, tried out with the machine itself; and a mutant that is found.
//!
//! A state of the model is a state of the commons with its time, and how often the job and the hold have ended. Time goes by in
//! steps, a few times.

use std::hash::{Hash, Hasher};

use stateright::{Checker as _, Model, Property};
use troupe_chain::{Leaf, Machine as _};
use troupe_commons::jobs::{Fault, JobSpec, Offer, Phase, check_invariants, commitment, job};
use troupe_commons::mana::{self, Owner};
use troupe_commons::{Act, Commons, Due, Id, Message, Reply, State, Tick, members};

use crate::cooperative::{Cooperative, MANA, person, result, sums_to_zero};

/// Steps of time: to the award, to the end of a challenge or of the hold, past the deadline, past a dispute.
const STEPS: [u64; 4] = [10_000, 60_001, 100_001, 604_800_001];
/// How often time goes by.
const MAX_STEPS: u8 = 2;

/// What somebody does.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Act(u8, Box<Act>),
    Tick(Tick),
    Wait(u64),
}

#[derive(Debug, Clone, PartialEq)]
struct World {
    state: State,
    at: u64,
    waits: u8,
    /// How often the job's hold, and the other, were ended.
    ended: [u8; 2],
}

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.state.root(), self.at, self.waits, self.ended).hash(hasher);
    }
}

/// One job, with so many replicas, and one hold.
struct Settlement {
    begin: Cooperative,
    job: Id,
    hold: Id,
    replicas: u64,
    /// A mutant: it pays, and forgets that it did.
    forgets: bool,
}

impl Settlement {
    fn new(replicas: u64, forgets: bool) -> Self {
        let mut begin = Cooperative::new(3, &[("mana-rate", 0), ("job-fee", 0)]);
        let term = (replicas == 1).then_some(40_000);
        let spec = JobSpec { deadline: begin.at + 100_000, term, ..begin.spec(100, replicas) };
        let job = begin.submit(&person(1), spec);
        let until = begin.at + 50_000;
        let act = Act::Hold { amount: 110, arbiter: person(3).id, to: person(2).id, until };
        let Ok(Reply::Hold(hold)) = begin.act(&person(1), act) else { panic!("placed") };
        Self { begin, job, hold, replicas, forgets }
    }

    fn salt(&self) -> Option<Id> {
        (self.replicas > 1).then_some(self.job)
    }

    /// The mutant's state: paid, with the job and its hold as they were before.
    fn forget(&self, before: &State, after: &State) -> State {
        let mut map = after.map().clone();
        for section in ["job", "hold"] {
            let key = format!("{section}/{}", self.job);
            if let Some(value) = before.map().get(key.as_bytes()) {
                map.insert(key.as_bytes(), value.to_vec());
            }
        }
        let record = troupe_commons::to_bytes(&troupe_commons::StateRecord { root: Id(map.root()), v: 1 });
        let mut leaves = map.iter().map(|(key, value)| Leaf { key: key.into(), value: Some(value.into()) });
        let machine = Commons::default();
        machine.restore(&record, &mut leaves).unwrap();
        machine.state(&record).unwrap()
    }
}

fn has(state: &State, hold: Id) -> bool {
    state.map().get(format!("hold/{hold}").as_bytes()).is_some()
}

fn is_in(world: &World, model: &Settlement, phase: &str) -> bool {
    job(&world.state, model.job).is_some_and(|job| job.phase.name() == phase)
}

impl Model for Settlement {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World { state: self.begin.state.clone(), at: self.begin.at, waits: 0, ended: [0, 0] }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let (job, hold) = (self.job, self.hold);
        let mut act = |by, act| steps.push(Step::Act(by, Box::new(act)));
        act(1, Act::Cancel { job });
        act(1, Act::Accept { job });
        act(1, Act::Dispute { job });
        act(3, Act::Post { amount: 40, hold });
        act(3, Act::Void { hold });
        for (by, price) in [(2, 60), (3, 80)] {
            act(by, Act::Bid(Offer { capabilities: Vec::new(), job, latency: 1, memory: 0, price }));
            for fault in [Fault::Executor, Fault::Job] {
                act(by, Act::Abandon { fault, job });
            }
            for fuel in [500, 1_000] {
                let result = result(fuel);
                if let Some(salt) = self.salt() {
                    let digest = commitment(person(by).id, job, &result, salt);
                    act(by, Act::Commit { digest, job });
                }
                act(by, Act::Receipt { job, result, salt: self.salt() });
            }
        }
        let ticks = [Tick::Award(job), Tick::Settle(job), Tick::Expire(job), Tick::Lapse(hold)];
        steps.extend(ticks.map(Step::Tick));
        if world.waits < MAX_STEPS {
            steps.extend(STEPS.map(Step::Wait));
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let coop = Cooperative { state: world.state.clone(), at: world.at, ..self.begin.clone() };
        let applied = match step {
            Step::Wait(ms) => {
                return Some(World { at: world.at + ms, waits: world.waits + 1, ..world.clone() });
            }
            // Bids could go on for ever, each with another number: one each, before anything else.
            Step::Act(by, act) if matches!(*act, Act::Bid(_)) && has_acted(world, by) => return None,
            Step::Act(by, act) => coop.state.apply_command(coop.place(), &coop.command(&person(by), *act)),
            Step::Tick(tick) => coop.state.apply(coop.place(), &Message::Due(Due { tick })),
        };
        let mut state = applied.ok()?.state;
        let mut ended = world.ended;
        for (count, hold) in ended.iter_mut().zip([self.job, self.hold]) {
            *count += u8::from(has(&world.state, hold) && !has(&state, hold));
        }
        if self.forgets && job(&state, self.job).is_some_and(|job| matches!(job.phase, Phase::Settled { .. }))
        {
            state = self.forget(&world.state, &state);
        }
        Some(World { state, ended, ..world.clone() })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("all accounts sum to zero", |_, world: &World| sums_to_zero(&world.state)),
            Property::always("no mana comes or goes", |_, world: &World| {
                let on = |owner| mana::account(&world.state, owner, world.at).balance;
                let members: u64 = (1..=3).map(|seed| on(Owner::Member(person(seed).id))).sum();
                members + on(Owner::Escrow) == 3 * MANA
            }),
            Property::always("what is held is what live jobs and holds say", |_, world: &World| {
                check_invariants(&world.state).is_ok()
            }),
            Property::always("each hold ends once", |_, world: &World| {
                world.ended.iter().all(|ended| *ended <= 1)
            }),
            Property::always("no executor gets more than their price", |_, world: &World| {
                let price = [(2, 60 + 110), (3, 80)];
                price.iter().all(|(seed, price)| {
                    mana::account(&world.state, Owner::Member(person(*seed).id), world.at).balance
                        <= MANA + price
                })
            }),
            Property::sometimes("a job is cancelled", |model: &Self, world: &World| {
                is_in(world, model, "cancelled")
            }),
            Property::sometimes("a job expires", |model: &Self, world: &World| {
                is_in(world, model, "expired")
            }),
            Property::sometimes("a job is disputed", |model: &Self, world: &World| {
                is_in(world, model, "disputed")
            }),
            Property::sometimes("another finishes what one gave back", |model: &Self, world: &World| {
                let tried = job(&world.state, model.job).is_some_and(|job| !job.tried.is_empty());
                model.replicas > 1 || (tried && is_in(world, model, "settled"))
            }),
            Property::sometimes("a job is settled", |model: &Self, world: &World| {
                is_in(world, model, "settled")
            }),
        ]
    }
}

fn has_acted(world: &World, by: u8) -> bool {
    members::member(&world.state, person(by).id).is_some_and(|member| member.number > 0)
}

#[test]
fn one_executor_is_settled_with_in_every_order() {
    let checker = Settlement::new(1, false).checker().spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 500, "{} states are too few", checker.unique_state_count());
}

#[test]
fn two_executors_are_settled_with_in_every_order() {
    let checker = Settlement::new(2, false).checker().spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 2_000, "{} states are too few", checker.unique_state_count());
}

#[test]
fn a_machine_that_forgets_what_it_paid_is_found() {
    let checker = Settlement::new(1, true).checker().spawn_bfs().join();
    assert!(checker.discovery("what is held is what live jobs and holds say").is_some());
    assert!(checker.discovery("each hold ends once").is_some());
}
