//! One event: which messages are events, and why the others are refused.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decimal;

/// The longest id of an event, in bytes.
pub(crate) const ID_LIMIT: usize = 32;
/// The longest place, in bytes.
pub(crate) const PLACE_LIMIT: usize = 160;
/// The last moment of the year 9999, in milliseconds since 1970.
pub(crate) const TIME_LIMIT: u64 = 253_402_300_799_999;
/// The weakest and strongest magnitude, in thousandths. The scale is logarithmic: below zero is weak, not wrong.
pub(crate) const MAGNITUDES: std::ops::RangeInclusive<i64> = -3_000..=10_000;

/// Millionths of a degree: what longitude and latitude are read in.
const DEGREE: i64 = 1_000_000;

/// Regions that the survey writes in two ways.
const ABBREVIATIONS: [(&str, &str); 3] = [("CA", "California"), ("NV", "Nevada"), ("MX", "Mexico")];

/// An earthquake that may be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    pub(crate) id: Cow<'a, str>,
    /// Milliseconds since 1970.
    pub(crate) time: u64,
    pub(crate) place: Cow<'a, str>,
    /// Thousandths.
    pub(crate) magnitude: i64,
    pub(crate) tsunami: bool,
}

/// Why a message is refused, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// Not a JSON object with the fields of an event.
    NotAnEvent(String),
    /// Something else shook the ground.
    NotAnEarthquake(String),
    Id,
    Time,
    Place,
    NoMagnitude,
    Magnitude,
    Longitude,
    Latitude,
    /// An event with this id was counted a short while ago.
    Counted(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnEvent(error) => write!(f, "not an event: {error}"),
            Self::NotAnEarthquake(kind) => write!(f, "not an earthquake: {kind}"),
            Self::Id => write!(f, "the id must be 1 to {ID_LIMIT} visible ASCII characters"),
            Self::Time => f.write_str("the time must be in milliseconds, from 1970 to 9999"),
            Self::Place => write!(f, "the place must be 1 to {PLACE_LIMIT} bytes of text in one line"),
            Self::NoMagnitude => f.write_str("the event has no magnitude yet"),
            Self::Magnitude => f.write_str("the magnitude must be a decimal number from -3 to 10"),
            Self::Longitude => f.write_str("the longitude must be a decimal number from -180 to 180"),
            Self::Latitude => f.write_str("the latitude must be a decimal number from -90 to 90"),
            Self::Counted(id) => write!(f, "the event {id} is counted already"),
        }
    }
}

/// The fields that matter, as they stand in the message; others may stand beside them.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    time: i64,
    #[serde(borrow)]
    place: Cow<'a, str>,
    #[serde(borrow)]
    mag: Option<&'a RawValue>,
    #[serde(borrow)]
    lon: &'a RawValue,
    #[serde(borrow)]
    lat: &'a RawValue,
    tsunami: Option<u64>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// Reads a message, or says why it is refused.
    pub(crate) fn decode(message: &'a [u8]) -> Result<Self, Refusal> {
        let fields: Fields<'a> =
            serde_json::from_slice(message).map_err(|error| Refusal::NotAnEvent(error.to_string()))?;
        if fields.kind != "earthquake" {
            return Err(Refusal::NotAnEarthquake(fields.kind.chars().take(ID_LIMIT).collect()));
        }
        check(is_id(&fields.id), Refusal::Id)?;
        let time = u64::try_from(fields.time).unwrap_or(u64::MAX);
        check(time <= TIME_LIMIT, Refusal::Time)?;
        check(is_place(&fields.place), Refusal::Place)?;
        let magnitude = fields.mag.ok_or(Refusal::NoMagnitude)?;
        let magnitude = decimal::parse(magnitude.get(), 3).ok_or(Refusal::Magnitude)?;
        check(MAGNITUDES.contains(&magnitude), Refusal::Magnitude)?;
        check(is_angle(fields.lon, 180), Refusal::Longitude)?;
        check(is_angle(fields.lat, 90), Refusal::Latitude)?;
        let tsunami = fields.tsunami.is_some_and(|flag| flag != 0);
        Ok(Self { id: fields.id, time, place: fields.place, magnitude, tsunami })
    }

    /// The region: what follows the last comma of the place, or else the whole place.
    pub(crate) fn region(&self) -> &str {
        let place = self.place.trim();
        let name = place.rsplit_once(", ").map_or(place, |(_, name)| name.trim_start());
        ABBREVIATIONS.iter().find(|(short, _)| *short == name).map_or(name, |(_, name)| name)
    }
}

/// Whether the text can be the id of an event.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=ID_LIMIT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether the text can be a place, and so a region.
pub(crate) fn is_place(text: &str) -> bool {
    text.len() <= PLACE_LIMIT && !text.trim().is_empty() && !text.contains(char::is_control)
}

fn is_angle(text: &RawValue, limit: i64) -> bool {
    let limit = limit * DEGREE;
    decimal::parse(text.get(), 6).is_some_and(|angle| (-limit..=limit).contains(&angle))
}

fn check(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"id":"us2000crkq","time":1517364031800,"place":"50km NNW of Sangiang, Indonesia","mag":5.3,
        "lon":118.7906,"lat":-7.8628,"depth_km":15.18,"felt":4,"tsunami":1,"type":"earthquake"}"#;

    fn changed(from: &str, to: &str) -> Result<Refusal, String> {
        let message = EVENT.replace(from, to);
        assert_ne!(message, EVENT, "{from} is not in the event");
        match Event::decode(message.as_bytes()) {
            Ok(event) => Err(format!("{event:?}")),
            Err(refusal) => Ok(refusal),
        }
    }

    #[test]
    fn an_event_is_read() {
        let event = Event::decode(EVENT.as_bytes()).expect("an event");
        assert_eq!((event.magnitude, event.time, event.tsunami), (5300, 1_517_364_031_800, true));
        assert_eq!((&*event.id, event.region()), ("us2000crkq", "Indonesia"));
    }

    #[test]
    fn each_refusal_has_its_message() {
        for (from, to, refusal) in [
            ("earthquake", "quarry blast", Refusal::NotAnEarthquake("quarry blast".to_owned())),
            ("us2000crkq", "", Refusal::Id),
            ("us2000crkq", "us 2000", Refusal::Id),
            ("us2000crkq", "123456789012345678901234567890123", Refusal::Id),
            ("1517364031800", "-1", Refusal::Time),
            ("1517364031800", "253402300800000", Refusal::Time),
            ("50km NNW of Sangiang, Indonesia", " ", Refusal::Place),
            ("50km NNW", r"50km\nNNW", Refusal::Place),
            ("5.3", "null", Refusal::NoMagnitude),
            (r#""mag":5.3,"#, "", Refusal::NoMagnitude),
            ("5.3", "10.001", Refusal::Magnitude),
            ("5.3", "-3.001", Refusal::Magnitude),
            ("5.3", r#""5.3""#, Refusal::Magnitude),
            ("118.7906", "180.000001", Refusal::Longitude),
            ("-7.8628", "-90.5", Refusal::Latitude),
            ("-7.8628", "null", Refusal::Latitude),
        ] {
            assert_eq!(changed(from, to), Ok(refusal), "{from} -> {to}");
        }
    }

    #[test]
    fn what_is_no_json_object_with_the_fields_is_not_an_event() {
        for (from, to) in [
            ("}", "} x"),
            (r#""id":"us2000crkq","#, ""),
            ("1517364031800", "1.5"),
            ("1517364031800", r#""now""#),
            (r#""tsunami":1"#, r#""tsunami":"yes""#),
        ] {
            assert!(matches!(changed(from, to), Ok(Refusal::NotAnEvent(_))), "{from} -> {to}");
        }
        assert!(matches!(Event::decode(b"\xff"), Err(Refusal::NotAnEvent(_))));
    }

    #[test]
    fn magnitudes_below_zero_are_real() {
        let message = EVENT.replace("5.3", "-0.8");
        assert_eq!(Event::decode(message.as_bytes()).map(|event| event.magnitude), Ok(-800));
    }

    #[test]
    fn the_region_is_what_follows_the_last_comma() {
        for (place, region) in [
            ("5km W of Cobb, CA", "California"),
            ("10km S of Fern Forest, Hawaii", "Hawaii"),
            ("Reykjanes Ridge", "Reykjanes Ridge"),
            ("16km SSW of Ōfunato, 日本", "日本"),
            ("a, b, Curaçao ", "Curaçao"),
            ("Off,the coast", "Off,the coast"),
            (", ,", ","),
        ] {
            let message = EVENT.replace("50km NNW of Sangiang, Indonesia", place);
            let event = Event::decode(message.as_bytes()).expect("an event");
            assert_eq!(event.region(), region, "{place}");
        }
    }
}
