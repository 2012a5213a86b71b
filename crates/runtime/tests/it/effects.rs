//! What actors ask of the world and of each other: messages, requests, timers, children.

use troupe_chain::{Body, EffectId, Hash, Notice, Sender};
use troupe_runtime::{SendError, Status};
use troupe_store::Store;

use crate::world::{World, block};

fn senders(world: &World, name: &str) -> Vec<Sender> {
    let entries = world.entries(&world.id(name));
    entries.iter().filter_map(|entry| entry.body.from().cloned()).collect()
}

#[test]
fn a_send_names_the_entry_that_it_comes_from() {
    let mut world = World::new();
    world.start("a", "");
    world.start("b", "");
    let answer = world.tell("a", "send b one & send b two").unwrap();
    assert_eq!(world.state("b"), "(actor one)(actor two)");
    let of = |n| {
        let (chain, entry) = (world.id("a"), answer.hash);
        Sender::Actor(troupe_chain::EffectRef { chain, entry, n })
    };
    assert_eq!(senders(&world, "b"), [of(0), of(1)]);
    world.check();
}

#[test]
fn a_send_leaves_once_its_entry_is_committed() {
    let world = World::new();
    world.start("a", "");
    world.start("b", "");
    let commits = *world.store.commits.lock().unwrap();
    let answer = world.actors.find("a").unwrap().post(crate::common::anyone(), "send b one".into()).unwrap();
    // The first turn is the sender's, and ends with its commit.
    assert_eq!(world.actors.ready(), 1);
    assert!(world.actors.step(&mut |_| 0));
    assert_eq!(*world.store.commits.lock().unwrap(), commits + 1);
    assert_eq!(world.rows("o").len(), 1);
    assert_eq!(world.state("b"), "");
    world.settle();
    assert_eq!(world.state("b"), "(actor one)");
    drop(answer);
    world.check();
}

#[test]
fn messages_of_one_pair_come_in_order_however_actors_are_served() {
    for seed in 1..40u64 {
        let world = World::new();
        for name in ["a", "b", "c"] {
            world.start(name, "");
        }
        for n in 0..10 {
            let message = format!("send c {n} & send c {n}'");
            for name in ["a", "b"] {
                let actor = world.actors.find(name).unwrap();
                drop(actor.post(crate::common::anyone(), message.clone().into()).unwrap());
            }
        }
        let mut random = seed;
        let mut choose = |ready: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % ready
        };
        while world.actors.step(&mut choose) {}
        let from_a = senders(&world, "c").into_iter().filter_map(|from| match from {
            Sender::Actor(by) if by.chain == world.id("a") => {
                world.store_find(&by.chain, &by.entry).map(|seq| (seq, by.n))
            }
            _ => None,
        });
        let from_a: Vec<_> = from_a.collect();
        assert_eq!(from_a.len(), 20);
        assert!(from_a.is_sorted(), "{from_a:?}");
        world.check();
    }
}

#[test]
fn what_cannot_be_delivered_comes_back_as_a_notice() {
    let mut world = World::new();
    world.start("a", "");
    for name in ["b", "gone"] {
        world.start(name, "");
    }
    world.tell("gone", "exit over").unwrap();
    for (message, told) in [
        ("send nobody x", "unknown"),
        ("send gone x", "stopped"),
        ("send b no thanks", "refused"),
        ("send b late", "out-of-time"),
        ("cron not|x", "refused"),
        ("stop nobody", "unknown"),
        ("stop b", "refused"),
        ("request nobody 9 x", "unknown"),
    ] {
        let before = world.state("a");
        world.tell("a", message).unwrap();
        assert_eq!(world.state("a"), format!("{before}(notice {told})"), "{message}");
    }
    assert_eq!(world.stage.script.applied.load(std::sync::atomic::Ordering::SeqCst), 1 + 8 + 8 + 1 + 3);
    // A message that fails is the receiver's business, unless a reply is wanted.
    let before = world.state("a");
    world.tell("a", "send b die").unwrap();
    assert_eq!(world.state("a"), before);
    world.check();
}

#[test]
fn a_receiver_without_room_for_long_is_busy() {
    let mut world = World::with(|stage| {
        stage.options.mailbox = 2;
        stage.options.delivery_timeout = 100;
    });
    world.start("a", "");
    world.start("b", "");
    let b = world.actors.find("b").unwrap();
    block(&world, b.pause()).unwrap();
    world.tell("a", "send b 1 & send b 2 & send b 3 & send b 4").unwrap();
    assert_eq!((b.waiting(), world.state("b").as_str()), (4, ""));
    assert!(matches!(world.tell("b", "add x"), Err(SendError::Busy(_))));
    world.until(1099);
    assert_eq!(world.state("a"), "");
    world.until(1100);
    assert_eq!(world.state("a"), "(notice busy)(notice busy)");
    block(&world, b.resume()).unwrap();
    assert_eq!(world.state("b"), "(actor 1)(actor 2)");
    world.check();
}

#[test]
fn letters_that_found_no_room_come_in_order_once_there_is() {
    let mut world = World::with(|stage| stage.options.mailbox = 2);
    world.start("a", "");
    world.start("b", "");
    let sends: Vec<_> = (0..50).map(|n| format!("send b {n}")).collect();
    world.tell("a", &sends.join(" & ")).unwrap();
    let expected: String = (0..50).map(|n| format!("(actor {n})")).collect();
    assert_eq!(world.state("b"), expected);
    world.check();
}

#[test]
fn a_machine_that_takes_no_notices_gets_none() {
    let mut world = World::new();
    let mut new = world.new_actor("deaf", "");
    new.genesis.world = crate::common::text("deaf");
    world.actors.start_blocking(new).unwrap();
    world.start("b", "");
    world.tell("deaf", "send nobody x & request b 500 echo yes & request b 500 keep").unwrap();
    assert_eq!(world.state("deaf"), "(reply yes)");
    world.until(5000);
    world.check();
    assert_eq!(world.rows("qt"), Vec::<String>::new());
}

#[test]
fn a_late_reply_is_not_a_reply() {
    let mut world = World::new();
    world.start("a", "");
    world.start("b", "");
    let b = world.actors.find("b").unwrap();
    block(&world, b.pause()).unwrap();
    world.tell("a", "request b 500 echo yes").unwrap();
    world.until(1499);
    assert_eq!(world.state("a"), "");
    world.until(1501);
    assert_eq!(world.state("a"), "(notice late)");
    block(&world, b.resume()).unwrap();
    // Nobody waits for it any more.
    assert_eq!((world.state("b").as_str(), world.state("a").as_str()), ("", "(notice late)"));
    world.check();
}

#[test]
fn timers_of_a_downtime_go_off_after_it_and_a_cron_once() {
    let mut world = World::new();
    world.start("a", "");
    world.tell("a", "timer 5000 once & cron */10 * * * * *|often").unwrap();
    world.stage.clock.set(troupe_chain::Timestamp(95_000));
    world.restart();
    world.settle();
    assert_eq!(world.state("a"), "(timer once)(timer often)");
    let due: Vec<_> = senders(&world, "a")
        .into_iter()
        .filter_map(|from| match from {
            Sender::Timer { set, due } => Some((set, due.0)),
            _ => None,
        })
        .collect();
    assert_eq!(due, [(EffectId { seq: 2, n: 0 }, 6000), (EffectId { seq: 2, n: 1 }, 90_000)]);
    world.until(100_000);
    assert!(world.state("a").ends_with("(timer often)(timer often)"));
    world.tell("a", "cancel 2 1").unwrap();
    assert_eq!(world.actors.next_due(), Some(110_000));
    world.until(200_000);
    assert_eq!(world.state("a").matches("often").count(), 2);
    world.check();
    assert_eq!(world.rows("t"), Vec::<String>::new());
}

#[test]
fn a_timer_that_is_cancelled_in_time_does_not_go_off_even_if_it_waits() {
    let world = World::new();
    world.start("a", "");
    let a = world.actors.find("a").unwrap();
    let post = |message: &'static str| drop(a.post(crate::common::anyone(), message.into()).unwrap());
    post("timer 100 tick");
    world.settle();
    world.stage.clock.set(troupe_chain::Timestamp(1100));
    post("cancel 2 0");
    // The timer comes into the mailbox behind what cancels it.
    world.actors.tick();
    world.settle();
    assert_eq!(world.state("a"), "");
    world.check();
}

#[test]
fn a_child_is_stopped_by_its_parent_only_and_its_parent_hears_of_it() {
    let mut world = World::new();
    world.start("a", "");
    world.start("b", "");
    world.tell("a", "spawn child go-on first").unwrap();
    assert_eq!((world.state("child").as_str(), world.state("a").as_str()), ("first", "(notice started)"));
    let child = world.id("child");
    let Some(Sender::Notice { of, about, chain, .. }) = senders(&world, "a").pop() else { panic!() };
    assert_eq!((of, about, chain), (EffectId { seq: 2, n: 0 }, Notice::Started, Some(child)));
    world.tell("b", "stop child").unwrap();
    assert_eq!(world.status("child"), Status::Running);
    world.tell("a", "stop child").unwrap();
    assert_eq!(world.status("child"), Status::Stopped);
    assert_eq!(world.state("a"), "(notice started)(notice stopped)");
    assert!(matches!(world.tell("child", "add x"), Err(SendError::Ended { heir: None })));
    let entries = world.entries(&child);
    assert!(
        matches!(&entries.last().unwrap().body, Body::Stop(stop) if matches!(stop.from, Sender::Actor(_)))
    );
    world.check();
}

#[test]
fn actors_begin_no_more_children_than_there_may_be_actors() {
    let mut world = World::with(|stage| stage.options.max_actors = 3);
    world.start("a", "");
    world.tell("a", "spawn b go-on & spawn c restart & spawn d go-on & spawn - go-on").unwrap();
    let told = world.state("a");
    assert_eq!((told.matches("(notice started)").count(), told.matches("(notice refused)").count()), (2, 2));
    let Some(refused) = world.entries(&world.id("a")).into_iter().find_map(|entry| match entry.body {
        Body::Message(body) if matches!(body.from, Sender::Notice { about: Notice::Refused, .. }) => {
            Some(body.message)
        }
        _ => None,
    }) else {
        panic!()
    };
    let said = world.store.blob(&world.id("a"), &refused).unwrap().unwrap();
    assert_eq!(
        std::str::from_utf8(&said).unwrap(),
        "{\"notice\":\"refused\",\"reason\":\"the node has 3 actors, those that stopped among them, and may have no more\"}"
    );
    // Nor does whoever asks from outside; and the name is free again.
    assert!(matches!(world.actors.start_blocking(world.new_actor("d", "")), Err(SendError::TooMany(3))));
    assert!(matches!(world.tell("d", "add x"), Err(SendError::Unknown)));
    world.restart();
    assert!(matches!(world.actors.start_blocking(world.new_actor("d", "")), Err(SendError::TooMany(3))));
    // One that is started again goes on in another chain all the same.
    let c = world.id("c");
    world.tell("c", "die").unwrap_err();
    assert_ne!(world.id("c"), c);
    world.tell("c", "add x").unwrap();
    world.check();
}

#[test]
fn what_could_not_begin_takes_no_place() {
    let world = World::with(|stage| stage.options.max_actors = 2);
    world.start("a", "");
    for _ in 0..3 {
        let failing = world.new_actor("b", "die");
        assert!(matches!(world.actors.start_blocking(failing), Err(SendError::CannotBegin(_))));
    }
    assert_eq!(world.actors.usage().0, 1);
    world.start("b", "");
    world.check();
}

#[test]
fn a_name_is_one_actors_until_that_is_removed() {
    let mut world = World::new();
    world.start("a", "");
    let mut other = world.new_actor("a", "");
    other.genesis.nonce = Hash::of(b"other");
    assert!(
        matches!(world.actors.start_blocking(other.clone()), Err(SendError::NameTaken(name)) if name == "a")
    );
    world.tell("a", "spawn a go-on").unwrap();
    assert_eq!(world.state("a"), "(notice refused)");
    // A child whose `init` fails gives its name back.
    world.tell("a", "spawn b go-on die").unwrap();
    assert_eq!(world.state("a"), "(notice refused)(notice refused)");
    world.start("b", "");
    let a = world.actors.find("a").unwrap();
    block(&world, a.stop(crate::common::text("over"))).unwrap();
    assert!(matches!(world.actors.start_blocking(other.clone()), Err(SendError::NameTaken(_))));
    block(&world, a.remove(crate::common::text("over"))).unwrap();
    let heir = world.actors.start_blocking(other).unwrap();
    world.restart();
    assert_eq!(world.id("a"), heir.id());
    world.check();
}

#[test]
fn what_is_for_nobody_keeps_no_memory() {
    let mut world = World::new();
    world.start("a", "");
    let in_memory = |world: &World| (world.actors.usage().1, world.actors.busiest(10).len());
    assert_eq!(in_memory(&world), (1, 1));
    let failing = world.new_actor("b", "die");
    assert!(matches!(world.actors.start_blocking(failing), Err(SendError::CannotBegin(_))));
    world.tell("a", &format!("send {} hello & spawn c go-on die", Hash::of(b"nobody"))).unwrap();
    assert_eq!(world.state("a"), "(notice unknown)(notice refused)");
    assert_eq!(in_memory(&world), (1, 1));
    world.check();
}

#[test]
fn an_actor_that_left_memory_is_as_it_was() {
    let mut world = World::new();
    world.start("a", "");
    world.tell("a", "add x & timer 1000 tick").unwrap();
    let paused = world.start("b", "");
    block(&world, paused.pause()).unwrap();
    world.actors.unload_idle();
    assert_eq!(world.actors.usage(), (2, 0, 0));
    assert_eq!(world.state("a"), "x");
    assert!(matches!(world.tell("b", "add y"), Err(SendError::Paused)));
    world.tell("a", "send b hello").unwrap();
    world.actors.unload_idle();
    world.until(3000);
    assert_eq!((world.state("a").as_str(), world.state("b").as_str()), ("x(timer tick)", ""));
    block(&world, paused.resume()).unwrap();
    assert_eq!(world.state("b"), "(actor hello)");
    world.check();
}
