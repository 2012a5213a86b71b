//! A week of real events, through the whole actor but its bindings.

use std::collections::BTreeMap;

use crate::check::check;
use crate::event::Event;
use crate::summary::{Known, Reply, Summary, alert, encode};

const EVENTS: &str = include_str!("../data/earthquakes.ndjson");

/// What became of the events: the last state, how many of each refusal, and how many alerts.
struct Week {
    summary: Summary,
    refused: BTreeMap<String, u64>,
    alerts: u64,
    largest_state: usize,
}

fn handle(state: &[u8], message: &[u8]) -> Result<(Summary, Reply), String> {
    let event = Event::decode(message).map_err(|refusal| refusal.to_string())?;
    Known::decode(state)?.refuse_again(&event).map_err(|refusal| refusal.to_string())?;
    let mut summary = Summary::decode(state)?;
    let reply = summary.count(&event);
    check(&summary)?;
    if reply.alert {
        alert(&event)?;
    }
    Ok((summary, reply))
}

fn week() -> Week {
    let mut summary = Summary::new(None).expect("a summary");
    let (mut refused, mut alerts, mut largest_state) = (BTreeMap::new(), 0, 0);
    for message in EVENTS.lines() {
        let state = encode(&summary).expect("JSON");
        match handle(&state, message.as_bytes()) {
            Ok((next, reply)) => {
                alerts += u64::from(reply.alert);
                summary = next;
            }
            Err(reason) => *refused.entry(reason).or_default() += 1,
        }
        largest_state = largest_state.max(state.len());
    }
    Week { summary, refused, alerts, largest_state }
}

#[test]
fn a_week_of_events_gives_the_numbers_of_the_readme() {
    let Week { summary, refused, alerts, largest_state } = week();
    assert_eq!(summary.count, 1679);
    let refused: Vec<_> = refused.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!(refused, [("not an earthquake: explosion", 15), ("not an earthquake: quarry blast", 13)]);
    assert_eq!((alerts, summary.alerts), (39, 39));
    assert_eq!(summary.regions.len(), 71);
    assert_eq!(largest_state, 4006);
}
