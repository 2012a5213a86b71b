//! A small cooperative in memory: members with keys, a clock that tests own, and one state.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use troupe_chain::{Abort, Context, DidKey, Hash, Machine, Nowhere, Outcome, Sender, Timestamp};
use troupe_commons::governance::{Action, Motion};
use troupe_commons::jobs::{JobResult, JobSpec, Offer};
use troupe_commons::mana::{self, Owner};
use troupe_commons::{
    Act, Applied, Charter, Code, Command, Commons, Due, Founder, Id, Message, Place, Refusal, Reply, State,
    Tick, members, to_bytes,
};

/// When every cooperative begins.
pub(crate) const START: u64 = 1_700_000_000_000;
/// What every founder begins with.
pub(crate) const MANA: u64 = 500;

/// Somebody with a key.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: Id,
    pub(crate) did: DidKey,
    pub(crate) key: SigningKey,
}

pub(crate) fn person(seed: u8) -> Person {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let did = DidKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
    Person { id: members::id_of(&did), did, key }
}

pub(crate) fn charter(founders: u8, parameters: &[(&str, u64)]) -> Charter {
    let founder = |seed| Founder { did: person(seed).did.to_string(), mana: MANA };
    Charter {
        founders: (1..=founders).map(founder).collect(),
        name: "test".into(),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        v: 1,
    }
}

/// A commons without a chain around it.
#[derive(Clone)]
pub(crate) struct Cooperative {
    pub(crate) state: State,
    pub(crate) chain: Hash,
    pub(crate) at: u64,
    pub(crate) seq: u64,
    /// What is due, in the order of time.
    pub(crate) due: BTreeMap<(u64, usize), Tick>,
}

impl Cooperative {
    /// Founders are numbered from 1.
    pub(crate) fn new(founders: u8, parameters: &[(&str, u64)]) -> Self {
        let (machine, chain) = (Commons::default(), Hash::of(b"chain"));
        let context =
            Context { chain, from: Sender::Http { key: None }, at: Timestamp(START), seq: 1, seed: None };
        let config = to_bytes(&charter(founders, parameters));
        let step = machine.init(&context, &mut Nowhere, Some(&config)).unwrap();
        let Outcome::Accepted(accepted) = step.outcome else { panic!("{:?}", step.outcome) };
        let state = machine.state(&accepted.state).unwrap();
        Self { state, chain, at: START, seq: 1, due: BTreeMap::new() }
    }

    pub(crate) fn place(&self) -> Place {
        Place { chain: self.chain, at: self.at, seq: self.seq + 1 }
    }

    pub(crate) fn command(&self, by: &Person, act: Act) -> Command {
        let number = members::of_key(&self.state, &by.did.to_string())
            .and_then(|id| members::member(&self.state, id))
            .map_or(1, |member| member.number + 1);
        Command::new(&by.did, self.chain, number, self.at + 1_000, act)
    }

    pub(crate) fn message(&self, by: &Person, act: Act) -> Message {
        sign(by, self.command(by, act))
    }

    /// Handles a message; the state goes on only if it was accepted.
    pub(crate) fn send(&mut self, message: &Message) -> Result<Reply, Refusal> {
        let Applied { state, reply, due } = self.state.apply(self.place(), message)?;
        self.state = state;
        self.seq += 1;
        for (at, tick) in due {
            self.due.insert((at, self.due.len()), tick);
        }
        Ok(reply)
    }

    pub(crate) fn act(&mut self, by: &Person, act: Act) -> Result<Reply, Refusal> {
        let message = self.message(by, act);
        self.send(&message)
    }

    pub(crate) fn tick(&mut self, tick: Tick) -> Result<Reply, Refusal> {
        self.send(&Message::Due(Due { tick }))
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.at += ms;
    }

    pub(crate) fn balance(&self, of: &Person) -> u64 {
        self.on(Owner::Member(of.id))
    }

    pub(crate) fn on(&self, owner: Owner) -> u64 {
        mana::account(&self.state, owner, self.at).balance
    }

    /// Submits one job; its id.
    pub(crate) fn submit(&mut self, by: &Person, spec: JobSpec) -> Id {
        match self.act(by, Act::Submit { jobs: vec![spec] }) {
            Ok(Reply::Jobs(ids)) => ids[0],
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn spec(&self, price: u64, replicas: u64) -> JobSpec {
        JobSpec {
            bundle: None,
            capabilities: Vec::new(),
            component: Id(Hash::of(b"component")),
            deadline: self.at + 100_000,
            inputs: vec![Id(Hash::of(b"input"))],
            limits: [("fuel".to_owned(), 1_000)].into(),
            price,
            quorum: replicas / 2 + 1,
            replicas,
            reputation: None,
            resume: None,
            scope: None,
            term: None,
        }
    }

    pub(crate) fn bid(&mut self, by: &Person, job: Id, price: u64) -> Result<Reply, Refusal> {
        self.act(by, Act::Bid(Offer { capabilities: Vec::new(), job, latency: 10, memory: 0, price }))
    }

    /// A job of 100 mana that was awarded to `executor` for 60.
    pub(crate) fn assigned(&mut self, submitter: &Person, executor: &Person) -> Id {
        let spec = self.spec(100, 1);
        let job = self.submit(submitter, spec);
        self.bid(executor, job, 60).unwrap();
        self.wait(10_000);
        self.tick(Tick::Award(job)).unwrap();
        job
    }

    pub(crate) fn receipt(&mut self, by: &Person, job: Id, result: JobResult) -> Result<Reply, Refusal> {
        self.act(by, Act::Receipt { job, result, salt: None })
    }

    /// Proposes and opens; the proposal's id.
    pub(crate) fn open(&mut self, by: &Person, action: Action) -> Id {
        let Ok(Reply::Proposal(proposal)) = self.act(by, Act::Propose(motion(action))) else {
            panic!("no proposal")
        };
        self.act(by, Act::Open { proposal }).unwrap();
        proposal
    }

    pub(crate) fn vote(&mut self, by: &Person, proposal: Id, choice: &str) -> Result<Reply, Refusal> {
        self.act(by, Act::Ballot { choice: vec![choice.to_owned()], members: Vec::new(), proposal })
    }

    /// Has everybody vote for something, and lets it take effect.
    pub(crate) fn decide(&mut self, by: &[Person], action: Action) -> Id {
        let proposal = self.open(&by[0], action);
        for person in by {
            self.vote(person, proposal, "yes").unwrap();
        }
        self.wait(60_000);
        self.tick(Tick::Close(proposal)).unwrap();
        self.wait(3_600_000);
        self.tick(Tick::Execute(proposal)).unwrap();
        proposal
    }
}

pub(crate) fn sign(by: &Person, command: Command) -> Message {
    let signature = by.key.sign(&command.text()).to_bytes();
    command.signed(signature)
}

pub(crate) fn motion(action: Action) -> Motion {
    Motion { action, duration: 60_000, options: Vec::new(), quorum: 500_000, text: None, threshold: 500_000 }
}

/// A run that came out with `fuel` of 1,000.
pub(crate) fn result(fuel: u64) -> JobResult {
    JobResult {
        chain: Id(Hash::of(b"job chain")),
        entry: Id(Hash::of(b"its head")),
        error: None,
        from: None,
        fuel,
        output: Some(Id(Hash::of(b"output"))),
        size: 3,
    }
}

/// The code of a refusal; panics if there is none.
pub(crate) fn code(result: Result<Reply, Refusal>) -> Code {
    result.expect_err("refused").code
}

/// Whether all accounts together come to nothing.
pub(crate) fn sums_to_zero(state: &State) -> bool {
    let accounts = mana::accounts(state);
    let of = |issuance: bool| -> u128 {
        let those = accounts.iter().filter(|(name, _)| (name == "issuance") == issuance);
        those.map(|(_, account)| u128::from(account.balance)).sum()
    };
    of(true) == of(false)
}

/// Has a machine handle a message.
pub(crate) fn handled(
    machine: &Commons,
    chain: Hash,
    (at, seq): (u64, u64),
    message: &[u8],
    state: &[u8],
) -> Result<Outcome, Abort> {
    let context = Context { chain, from: Sender::Http { key: None }, at: Timestamp(at), seq, seed: None };
    Ok(machine.apply(&context, &mut Nowhere, message, state)?.outcome)
}
