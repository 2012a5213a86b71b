//! The wall clock may only abort: nothing comes of it that could be recorded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use troupe_chain::{Abort, Machine, Nowhere};
use troupe_component::{Allocation, CallError, Limits};
use troupe_testing::{Call, Place, World, guests};

use crate::common::{context, sandbox};

/// Fuel for longer than any deadline here.
fn patient() -> Limits {
    Limits { fuel: 1 << 50, ..Limits::default() }
}

#[test]
fn a_deadline_aborts_wherever_the_guest_is() {
    let sandbox = sandbox(Allocation::OnDemand, Some(Duration::from_millis(20)));
    for place in [Place::Start, Place::Realloc, Place::PostReturn] {
        let guest = sandbox.load(&guests::endless_loop_in(World::Actor, place), &patient()).unwrap();
        assert_eq!(
            guest.apply(&context(), &mut Nowhere, b"m", b"s").unwrap_err(),
            Abort::OutOfTime(20),
            "{place:?}"
        );
    }
    for call in Call::ALL {
        let guest = guests::endless_loop_in(World::Simple, Place::Call(call));
        let guest = sandbox.load(&guest, &patient()).unwrap();
        let outcome = match call {
            Call::Init => Machine::init(&guest, &context(), &mut Nowhere, None),
            _ => guest.apply(&context(), &mut Nowhere, b"m", b"s"),
        };
        assert_eq!(outcome.unwrap_err(), Abort::OutOfTime(20), "{call:?}");
        if call == Call::MessageContract {
            let asked = guest.message_contract(b"m", b"s");
            assert_eq!(asked, Err(CallError::Abort(Abort::OutOfTime(20))));
        }
    }
}

#[test]
fn a_pool_without_a_free_slot_is_busy_and_never_an_outcome() {
    let sandbox = sandbox(Allocation::Pooling { instances: 1 }, Some(Duration::from_millis(50)));
    let endless = guests::endless_loop_in(World::Simple, Place::Call(Call::Handle));
    let endless = sandbox.load(&endless, &patient()).unwrap();
    let echo = sandbox.load(&guests::echo(World::Simple), &patient()).unwrap();
    let seen = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !seen.load(Ordering::Relaxed) {
                let aborted = endless.apply(&context(), &mut Nowhere, b"m", b"s").unwrap_err();
                assert!(matches!(aborted, Abort::OutOfTime(50) | Abort::Busy(_)), "{aborted}");
            }
        });
        loop {
            match echo.apply(&context(), &mut Nowhere, b"m", b"s") {
                Ok(_) => {}
                Err(Abort::Busy(_)) => break,
                Err(other) => panic!("{other}"),
            }
        }
        seen.store(true, Ordering::Relaxed);
    });
    echo.apply(&context(), &mut Nowhere, b"m", b"s").unwrap();
}
