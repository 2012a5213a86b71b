//! One step in memory against the bare calls that it is made of.

use troupe::troupe_chain::{Hash, Machine, Nowhere, Outcome, Sender, Timestamp, Tip};
use troupe::troupe_component::{Limits, Sandbox, SandboxConfig, WasmComponent};
use troupe_bench::bare::Bare;
use troupe_bench::{cpu_per_call, medians};

use crate::{COUNTER, EVENTS, QUAKES, report, table};

const CALLS: usize = 2000;
const ROUNDS: usize = 15;

pub(crate) fn measure() -> anyhow::Result<()> {
    table();
    step("counter.wasm (Rust, JSON)", COUNTER, b"{\"add\":1}", b"{\"count\":41}")?;
    let copier = troupe_testing::guests::three_calls(troupe_testing::World::Simple);
    let (message, state) = quakes()?;
    step(&format!("quakes.wasm (Rust, JSON), {} B state", state.len()), QUAKES, &message, &state)?;
    let state = padded_state();
    step("copying guest, 256 B state", &copier, &state[..102], &state)
}

/// A real event, and the state of `quakes` after the few before it: about 256 bytes.
fn quakes() -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let machine = Sandbox::new(SandboxConfig::default()).load(QUAKES, &Limits::default())?;
    let mut events = EVENTS.split(|byte| *byte == b'\n');
    let mut state = machine.init(None)?;
    for event in events.by_ref() {
        if state.len() >= 250 {
            return Ok((event.to_vec(), state));
        }
        state = machine.handle(event, &state)?;
    }
    anyhow::bail!("the state never grew")
}

/// 256 bytes that look like a state.
fn padded_state() -> Vec<u8> {
    let mut state = b"{\"text\":\"".to_vec();
    state.resize(254, b'x');
    state.extend_from_slice(b"\"}");
    state
}

fn step(what: &str, component: &[u8], message: &[u8], state: &[u8]) -> anyhow::Result<()> {
    let config = SandboxConfig::default();
    let bare = Bare::new(component, &config)?;
    let mut reused = bare.reused()?;
    let mut whole = FullStep::new(component, &config, state)?;

    let [reused, fresh, full] = medians(
        ROUNDS,
        [
            &mut || cpu_per_call(CALLS, |_| reused.call(message, state).map(drop)),
            &mut || cpu_per_call(CALLS, |_| bare.fresh(message, state).map(drop)),
            &mut || cpu_per_call(CALLS, |_| whole.run(message, state)),
        ],
    )?;
    report(&format!("{what}: three calls, reused instance"), format!("{reused:.2} µs"), 1.0, "");
    report(
        &format!("{what}: three calls, fresh instance"),
        format!("{fresh:.2} µs"),
        fresh / reused,
        "≤ 2.5 × reused",
    );
    report(&format!("{what}: full step"), format!("{full:.2} µs"), full / fresh, "≤ 1.3 × fresh");
    Ok(())
}

/// All that a message costs in memory: the calls, their checks, and the entry.
pub(crate) struct FullStep {
    machine: WasmComponent,
    tip: Tip,
    before: Option<Hash>,
}

impl FullStep {
    /// Loads a component, of which each message finds the same state.
    pub(crate) fn new(component: &[u8], config: &SandboxConfig, state: &[u8]) -> anyhow::Result<Self> {
        let sandbox = Sandbox::new(config.clone());
        let machine = sandbox.load(component, &Limits::default())?;
        let (mut tip, _) = Tip::start(genesis(&machine, &sandbox)?, Timestamp(0));
        let before = Some(Hash::of(state));
        (tip.state, tip.seq) = (before, 1);
        Ok(Self { machine, tip, before })
    }

    /// Takes a message.
    pub(crate) fn run(&mut self, message: &[u8], state: &[u8]) -> anyhow::Result<()> {
        let context = self.tip.next_context(Sender::Http { key: None }, Timestamp(0));
        let step = self.machine.apply(&context, &mut Nowhere, message, state)?;
        anyhow::ensure!(matches!(step.outcome, Outcome::Accepted(_)), "{:?}", step.outcome);
        let linked = self.tip.message(&context, Hash::of(message), &step);
        self.tip.state = self.before;
        anyhow::ensure!(linked.is_some(), "no entry");
        Ok(())
    }
}

fn genesis(machine: &WasmComponent, sandbox: &Sandbox) -> anyhow::Result<troupe::troupe_chain::Genesis> {
    Ok(troupe::troupe_chain::Genesis {
        code: troupe::troupe_chain::Code::Component(machine.hash()),
        world: troupe::troupe_chain::Text::new(machine.world().name())?,
        config: None,
        limits: machine.limits().to_entry(),
        engine: sandbox.engine().clone(),
        grants: Vec::new(),
        owner: None,
        nonce: Hash::of(b"bench"),
        fork: None,
        started_by: None,
    })
}
