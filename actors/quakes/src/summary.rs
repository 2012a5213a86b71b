//! The state: a summary per region, the strongest events, and the ids of the latest ones.
//!
//! It is JSON, the same bytes for the same messages: regions in the order of their names, magnitudes as whole
//! thousandths, no white space. Every list has a named limit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::decimal;
use crate::event::{Event, Refusal};

/// How many of the strongest events are kept.
pub(crate) const STRONGEST: usize = 10;
/// How many ids are remembered, so that an event sent again soon after is refused.
pub(crate) const RECENT: usize = 16;
/// How many regions have a summary of their own. Events of any further region are summed up as [`ELSEWHERE`].
pub(crate) const REGIONS: usize = 200;
/// The region of the events that came when there were already [`REGIONS`] others.
pub(crate) const ELSEWHERE: &str = "Elsewhere";
/// The magnitude, in thousandths, from which an event is an alert.
pub(crate) const ALERT: i64 = 5_000;
/// Where alerts go unless the configuration says otherwise.
const ALERTS: &str = "alerts";
/// The longest address of an actor, in bytes.
const ADDRESS_LIMIT: usize = 256;

/// What the actor is started with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    alerts: Option<String>,
}

/// The state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Summary {
    /// Events counted.
    pub(crate) count: u64,
    /// Alerts among them.
    pub(crate) alerts: u64,
    /// Who hears of alerts.
    pub(crate) alerts_to: String,
    /// The ids of the latest events, oldest first.
    pub(crate) recent: Vec<String>,
    /// The strongest events, strongest first; of equal ones the earlier first.
    pub(crate) strongest: Vec<Strong>,
    pub(crate) regions: BTreeMap<String, Region>,
}

/// The part of the state that tells whether an event is counted already; the contract reads no more, as most of the
/// time goes into reading.
#[derive(Deserialize)]
pub(crate) struct Known {
    recent: Vec<String>,
    strongest: Vec<Strong>,
}

/// One of the strongest events. In JSON `[magnitude, time, id, place]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, u64, String, String)", into = "(i64, u64, String, String)")]
pub(crate) struct Strong {
    pub(crate) magnitude: i64,
    pub(crate) time: u64,
    pub(crate) id: String,
    pub(crate) place: String,
}

/// The events of a region. In JSON `[count, sum, strongest, latest]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, i64, i64, u64)", into = "(u64, i64, i64, u64)")]
pub(crate) struct Region {
    pub(crate) count: u64,
    /// The sum of the magnitudes, of which the mean can be had without any rounding building up.
    pub(crate) sum: i64,
    /// The highest magnitude.
    pub(crate) strongest: i64,
    /// The time of the latest event.
    pub(crate) latest: u64,
}

/// What is sent to the address of alerts.
#[derive(Serialize)]
struct Alert<'a> {
    alert: &'static str,
    id: &'a str,
    time: u64,
    magnitude: Box<RawValue>,
    place: &'a str,
    tsunami: bool,
}

/// What the sender of an event is told.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reply {
    /// The region that the event was counted in.
    pub(crate) region: String,
    /// How many events that region has now.
    pub(crate) count: u64,
    /// Whether the event is an alert.
    pub(crate) alert: bool,
}

impl Summary {
    /// The first state.
    pub(crate) fn new(config: Option<&[u8]>) -> Result<Self, String> {
        let alerts = match config {
            None => None,
            Some(config) => {
                let config: Config = serde_json::from_slice(config)
                    .map_err(|error| format!("not a configuration: {error}"))?;
                config.alerts
            }
        };
        let alerts_to = alerts.unwrap_or_else(|| ALERTS.to_owned());
        if !is_address(&alerts_to) {
            return Err(format!(
                "the address of alerts must be 1 to {ADDRESS_LIMIT} printable ASCII characters"
            ));
        }
        let (recent, strongest, regions) = Default::default();
        Ok(Self { count: 0, alerts: 0, alerts_to, recent, strongest, regions })
    }

    /// Reads a state.
    pub(crate) fn decode(state: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(state).map_err(|error| format!("not a summary: {error}"))
    }

    /// Counts an event.
    pub(crate) fn count(&mut self, event: &Event<'_>) -> Reply {
        let name = self.name_of(event);
        let region = self.regions.entry(name.clone()).or_insert(Region {
            count: 0,
            sum: 0,
            strongest: event.magnitude,
            latest: event.time,
        });
        region.count += 1;
        region.sum += event.magnitude;
        region.strongest = region.strongest.max(event.magnitude);
        region.latest = region.latest.max(event.time);
        let count = region.count;

        let alert = event.magnitude >= ALERT;
        self.count += 1;
        self.alerts += u64::from(alert);
        self.remember(event);
        Reply { region: name, count, alert }
    }

    fn name_of(&self, event: &Event<'_>) -> String {
        let name = event.region();
        let known = self.regions.contains_key(name) || self.regions.len() < REGIONS;
        if known { name } else { ELSEWHERE }.to_owned()
    }

    fn remember(&mut self, event: &Event<'_>) {
        if self.recent.len() == RECENT {
            self.recent.remove(0);
        }
        self.recent.push(event.id.clone().into_owned());

        let strong = Strong {
            magnitude: event.magnitude,
            time: event.time,
            id: event.id.clone().into_owned(),
            place: event.place.clone().into_owned(),
        };
        let at = self.strongest.partition_point(|other| other.rank() < strong.rank());
        self.strongest.insert(at, strong);
        self.strongest.truncate(STRONGEST);
    }
}

impl Known {
    /// Reads a state.
    pub(crate) fn decode(state: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(state).map_err(|error| format!("not a summary: {error}"))
    }

    /// Says no to an event that is counted already, as far as the state remembers.
    pub(crate) fn refuse_again(&self, event: &Event<'_>) -> Result<(), Refusal> {
        let id = &*event.id;
        if self.recent.iter().any(|seen| seen == id) || self.strongest.iter().any(|seen| seen.id == id) {
            return Err(Refusal::Counted(id.to_owned()));
        }
        Ok(())
    }
}

impl Strong {
    /// What the strongest events are in order of.
    pub(crate) fn rank(&self) -> impl Ord {
        (std::cmp::Reverse(self.magnitude), self.time, &self.id)
    }
}

/// The alert about an event, as it is sent.
pub(crate) fn alert(event: &Event<'_>) -> Result<Vec<u8>, String> {
    let magnitude = decimal::thousandths(event.magnitude);
    let magnitude = RawValue::from_string(magnitude).map_err(|error| error.to_string())?;
    encode(&Alert {
        alert: "earthquake",
        id: &event.id,
        time: event.time,
        magnitude,
        place: &event.place,
        tsunami: event.tsunami,
    })
}

/// Writes a state, a reply or an alert.
pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| error.to_string())
}

/// Whether a message can be sent to it.
pub(crate) fn is_address(text: &str) -> bool {
    (1..=ADDRESS_LIMIT).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

impl From<(i64, u64, String, String)> for Strong {
    fn from((magnitude, time, id, place): (i64, u64, String, String)) -> Self {
        Self { magnitude, time, id, place }
    }
}

impl From<Strong> for (i64, u64, String, String) {
    fn from(strong: Strong) -> Self {
        (strong.magnitude, strong.time, strong.id, strong.place)
    }
}

impl From<(u64, i64, i64, u64)> for Region {
    fn from((count, sum, strongest, latest): (u64, i64, i64, u64)) -> Self {
        Self { count, sum, strongest, latest }
    }
}

impl From<Region> for (u64, i64, i64, u64) {
    fn from(region: Region) -> Self {
        (region.count, region.sum, region.strongest, region.latest)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn event(n: u64, place: &str, magnitude: i64) -> Event<'static> {
        let (id, place) = (Cow::Owned(format!("e{n}")), Cow::Owned(place.to_owned()));
        Event { id, time: n, place, magnitude, tsunami: false }
    }

    #[test]
    fn events_are_summed_up_by_region() {
        let mut summary = Summary::new(None).expect("a summary");
        summary.count(&event(1, "5km W of Cobb, CA", 1200));
        let reply = summary.count(&event(2, "Somewhere, California", -300));
        assert_eq!(reply, Reply { region: "California".to_owned(), count: 2, alert: false });
        let json = String::from_utf8(encode(&summary).expect("JSON")).expect("UTF-8");
        assert_eq!(
            json,
            r#"{"count":2,"alerts":0,"alerts_to":"alerts","recent":["e1","e2"],"strongest":[[1200,1,"e1","5km W of Cobb, CA"],[-300,2,"e2","Somewhere, California"]],"regions":{"California":[2,900,1200,2]}}"#
        );
        assert_eq!(Summary::decode(json.as_bytes()), Ok(summary));
    }

    #[test]
    fn regions_past_the_limit_are_summed_up_together() {
        let mut summary = Summary::new(None).expect("a summary");
        for n in 0..250 {
            summary.count(&event(n, &format!("region {n}"), 1000));
        }
        assert_eq!(summary.regions.len(), REGIONS + 1);
        assert_eq!(summary.regions[ELSEWHERE].count, 250 - REGIONS as u64);
        assert_eq!(summary.count(&event(300, "region 7", 1000)).count, 2, "known regions stay");
    }

    #[test]
    fn the_strongest_are_kept_in_order() {
        let mut summary = Summary::new(None).expect("a summary");
        for n in 0..100 {
            summary.count(&event(n, "x", ((n * 37) % 50) as i64 * 100));
        }
        let ranked: Vec<_> = summary.strongest.iter().map(|strong| (strong.magnitude, strong.time)).collect();
        assert_eq!(ranked[..4], [(4900, 27), (4900, 77), (4800, 4), (4800, 54)]);
        assert_eq!(ranked.len(), STRONGEST);
    }

    #[test]
    fn an_event_sent_again_soon_after_is_refused() {
        let mut summary = Summary::new(None).expect("a summary");
        let strong = event(1, "x", 4000);
        summary.count(&strong);
        for n in 2..=100 {
            summary.count(&event(n, "x", 1000));
        }
        let known = Known::decode(&encode(&summary).expect("JSON")).expect("a state");
        assert_eq!(known.refuse_again(&event(100, "y", 0)), Err(Refusal::Counted("e100".to_owned())));
        assert!(known.refuse_again(&strong).is_err(), "the strongest are remembered longer");
        assert!(known.refuse_again(&event(50, "x", 1000)).is_ok(), "but not every event is");
    }

    #[test]
    fn an_alert_is_an_event_of_magnitude_five_and_more() {
        let mut summary = Summary::new(None).expect("a summary");
        assert!(!summary.count(&event(1, "x", 4999)).alert);
        assert!(summary.count(&event(2, "x", 5000)).alert);
        assert_eq!(
            alert(&event(2, "Rat \"Islands\"", 5000)),
            Ok(br#"{"alert":"earthquake","id":"e2","time":2,"magnitude":5.0,"place":"Rat \"Islands\"","tsunami":false}"#.to_vec())
        );
    }

    #[test]
    fn the_configuration_says_where_alerts_go() {
        let to = |config: &str| Summary::new(Some(config.as_bytes())).map(|summary| summary.alerts_to);
        assert_eq!(to("{}").as_deref(), Ok("alerts"));
        assert_eq!(to(r#"{"alerts":"siren"}"#).as_deref(), Ok("siren"));
        for config in ["", "[]", r#"{"alerts":""}"#, r#"{"alerts":"é"}"#, r#"{"alert":"siren"}"#] {
            assert!(to(config).is_err(), "{config}");
        }
    }
}
