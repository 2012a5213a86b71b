//! The way from an instance to the outside: the guest runs on a thread of its own and asks, the caller's thread answers.
//!
//! An instance can hold nothing that lives only as long as the caller's `&mut dyn Outside`. So the ends of two channels
//! are what it holds, and only components that import something from outside pay for the thread.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use troupe_chain::{Abort, Outside, Text};

/// Room for the largest stack that a limit allows, and for the host beside it.
const STACK: usize = 4 << 20;

/// What an instance asks through.
pub(crate) struct Line {
    ask: Sender<(Text, Vec<u8>)>,
    answers: Receiver<Result<Vec<u8>, Abort>>,
}

impl Line {
    /// Asks, and waits.
    pub(crate) fn call(&self, function: Text, input: Vec<u8>) -> Result<Vec<u8>, Abort> {
        let gone = || Abort::Host("nobody answers for the outside any more".into());
        self.ask.send((function, input)).map_err(|_| gone())?;
        self.answers.recv().map_err(|_| gone())?
    }
}

/// Runs `run` on another thread and answers what it asks.
pub(crate) fn serve<T: Send>(
    outside: &mut dyn Outside,
    run: impl FnOnce(Line) -> Result<T, Abort> + Send,
) -> Result<T, Abort> {
    let (ask, asked) = channel::<(Text, Vec<u8>)>();
    let (answer, answers) = channel();
    let line = Line { ask, answers };
    // The ends are the closure's, so that a panic of the outside hangs up before the guest is waited for.
    thread::scope(move |scope| {
        let guest = thread::Builder::new()
            .name("troupe-guest".into())
            .stack_size(STACK)
            .spawn_scoped(scope, move || run(line))
            .map_err(|error| Abort::Host(format!("no thread for the instance: {error}")))?;
        while let Ok((function, input)) = asked.recv() {
            // The guest waits for this; if it is gone all the same, so is its question.
            let _ = answer.send(outside.call(&function, &input));
        }
        guest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
