//! Guests that take their time: what the others see meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use troupe::host::Setup;
use troupe_testing::{Call, Guest, Place, World, guests};

use crate::server::{Server, setup};

fn endless(deadline: Duration) -> Setup {
    let mut setup = setup(guests::endless_loop_in(World::Simple, Place::Call(Call::Handle)));
    setup.settings.deadline = Some(deadline);
    // The time ends first.
    setup.limits = vec![("fuel".into(), 1_000_000_000_000)];
    setup
}

/// Takes some tenths of a second for each message.
pub(crate) fn slow() -> Vec<u8> {
    const HANDLE: &str = "(local $n i32)
        (loop $more
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $more (i32.lt_u (local.get $n) (i32.const 100000000))))
        (call $ok (local.get $m) (local.get $mlen))";
    Guest::new(World::Simple).body(Call::Handle, HANDLE).component()
}

#[test]
fn a_message_out_of_time_is_504_and_leaves_no_entry() {
    let server = Server::with(endless(Duration::from_millis(100)));
    let mut wire = server.wire();
    for _ in 0..2 {
        let problem = wire.post("{}").unwrap().problem(504, "out-of-time");
        assert!(problem["detail"].as_str().unwrap().contains("100 ms"), "{problem}");
    }
    assert_eq!(server.seq(), 1);
    assert!(wire.get("/metrics").unwrap().text().contains("troupe_messages_total{outcome=\"aborted\"} 2"));
}

#[test]
fn a_full_mailbox_is_503_with_the_time_to_try_again() {
    let mut setup = endless(Duration::from_millis(500));
    setup.settings.options.mailbox = 1;
    let server = Server::with(setup);
    let statuses = thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let answer = server.wire().post("{}").unwrap();
                    if answer.status == 503 {
                        answer.problem(503, "busy");
                        assert_eq!(answer.header("retry-after"), Some("1"));
                    } else {
                        answer.problem(504, "out-of-time");
                    }
                    answer.status
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    let busy = statuses.iter().filter(|status| **status == 503).count();
    // One runs, one waits.
    assert!((1..=5).contains(&busy), "{statuses:?}");
    assert_eq!(server.seq(), 1);
    let metrics = server.wire().get("/metrics").unwrap().text();
    assert!(metrics.contains(&format!("troupe_messages_total{{outcome=\"busy\"}} {busy}\n")), "{metrics}");
}

#[test]
fn an_endless_loop_stalls_nobody_who_reads() {
    let server = Server::with(endless(Duration::from_secs(3)));
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            server.wire().post("{}").unwrap().problem(504, "out-of-time");
            ended.store(true, Ordering::SeqCst);
        });
        let mut wire = server.wire();
        // Until the message has left the mailbox, which is when it runs.
        while server.running.actor.waiting() > 0 {
            thread::yield_now();
        }
        for path in ["/", "/healthz", "/readyz", "/state", "/chain", "/chain/0", "/component", "/metrics"] {
            wire.get(path).unwrap().status(200);
        }
        assert!(!ended.load(Ordering::SeqCst), "they were answered only after the loop had ended");
    });
}
