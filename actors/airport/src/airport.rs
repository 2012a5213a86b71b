//! The rules of an airport: what a flight is, what is counted of it, and who hears of it.

use serde::{Deserialize, Serialize};

/// The longest delay of either sign, in minutes: a week.
const DELAY: i64 = 7 * 24 * 60;
/// The longest distance, in miles: once around.
const DISTANCE: u64 = 24_902;

/// What the actor is started with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The code of the airport, in upper case.
    code: String,
}

/// The state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Airport {
    code: String,
    departures: u64,
    /// Minutes, all departures together; early ones count below zero.
    delay: i64,
    /// The departure that was delayed most; of equal ones the first.
    worst: Option<Worst>,
    arrivals: u64,
    /// Arrivals that their airport did not hear of.
    unheard: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Worst {
    delay: i64,
    date: String,
    destination: String,
}

/// Who sent a message, as far as the rules look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Another actor.
    Actor,
    /// The runtime, about a send.
    Notice,
    /// Anybody else.
    Feed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flight {
    date: String,
    delay: i64,
    distance: u64,
    origin: String,
    destination: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrives {
    arrival: Arrival,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrival {
    from: String,
    date: String,
    delay: i64,
}

/// What is to be sent: the address and the message.
pub(crate) type Send = Option<(String, Vec<u8>)>;

impl Airport {
    /// An airport that nothing departed from.
    pub(crate) fn new(config: Option<&[u8]>) -> Result<Self, String> {
        let config = config.ok_or("a configuration says the code: {\"code\":\"SFO\"}")?;
        let Config { code } = decode("a configuration", config)?;
        check_code("code", &code)?;
        Ok(Self { code, departures: 0, delay: 0, worst: None, arrivals: 0, unheard: 0 })
    }

    /// Reads a state.
    pub(crate) fn decode(state: &[u8]) -> Result<Self, String> {
        decode("a state", state)
    }

    /// Writes the state.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, String> {
        encode(self)
    }

    /// Takes a message, or says why it is refused; then the state is of no more use.
    pub(crate) fn step(&mut self, from: From, message: &[u8]) -> Result<Send, String> {
        match from {
            From::Notice => self.unheard += 1,
            From::Actor => {
                let Arrives { arrival } = decode("an arrival", message)?;
                check_code("from", &arrival.from)?;
                check_date(&arrival.date)?;
                self.arrivals += 1;
            }
            From::Feed => return self.depart(decode("a flight", message)?).map(Some),
        }
        Ok(None)
    }

    fn depart(&mut self, flight: Flight) -> Result<(String, Vec<u8>), String> {
        let Flight { date, delay, distance, origin, destination } = flight;
        check_date(&date)?;
        check_code("destination", &destination)?;
        if origin != self.code {
            return Err(format!("this is {}, and not the origin", self.code));
        }
        if destination == origin {
            return Err("`destination` is the origin".into());
        }
        if !(-DELAY..=DELAY).contains(&delay) || !(1..=DISTANCE).contains(&distance) {
            return Err(format!("`delay` is within {DELAY} minutes, `distance` from 1 to {DISTANCE} miles"));
        }
        self.departures += 1;
        self.delay += delay;
        if self.worst.as_ref().is_none_or(|worst| delay > worst.delay) {
            self.worst = Some(Worst { delay, date: date.clone(), destination: destination.clone() });
        }
        let arrives = Arrives { arrival: Arrival { from: origin, date, delay } };
        Ok((destination.to_ascii_lowercase(), encode(&arrives)?))
    }

    /// Whether an airport may be like this.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_code("code", &self.code)?;
        let delay = i128::from(self.delay);
        match &self.worst {
            None if self.departures == 0 && delay == 0 => Ok(()),
            Some(worst)
                if self.departures > 0 && delay <= i128::from(worst.delay) * i128::from(self.departures) =>
            {
                Ok(())
            }
            _ => Err("the delays do not fit the departures".into()),
        }
    }
}

fn check_code(field: &str, code: &str) -> Result<(), String> {
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(format!("`{field}` is three letters in upper case"))
}

/// `YYYY/MM/DD HH:MM`, in digits; which day it is, nobody here asks.
fn check_date(date: &str) -> Result<(), String> {
    let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    let form = b"0000/00/00 00:00";
    if date.len() == form.len() && date.bytes().zip(*form).all(fits) {
        return Ok(());
    }
    Err("`date` is like 2001/01/31 23:59".into())
}

fn decode<'a, T: Deserialize<'a>>(what: &str, bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("not {what}: {error}"))
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| format!("cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dtw() -> Airport {
        Airport::new(Some(br#"{"code":"DTW"}"#)).unwrap()
    }

    fn flight(delay: i64, origin: &str, destination: &str) -> Vec<u8> {
        let rest = format!(r#""distance":1750,"origin":"{origin}","destination":"{destination}""#);
        format!(r#"{{"date":"2001/01/01 00:47","delay":{delay},{rest}}}"#).into_bytes()
    }

    #[test]
    fn departures_are_counted_and_their_destination_is_told() {
        let mut airport = dtw();
        let sent = airport.step(From::Feed, &flight(66, "DTW", "LAS")).unwrap().unwrap();
        let arrival = br#"{"arrival":{"from":"DTW","date":"2001/01/01 00:47","delay":66}}"#;
        assert_eq!(sent, ("las".to_owned(), arrival.to_vec()));
        airport.step(From::Feed, &flight(-6, "DTW", "SFO")).unwrap();
        airport.step(From::Feed, &flight(66, "DTW", "SFO")).unwrap();
        let state = String::from_utf8(airport.encode().unwrap()).unwrap();
        let worst = r#""worst":{"delay":66,"date":"2001/01/01 00:47","destination":"LAS"}"#;
        let expected =
            format!(r#"{{"code":"DTW","departures":3,"delay":126,{worst},"arrivals":0,"unheard":0}}"#);
        assert_eq!(state, expected);
        assert_eq!(Airport::decode(state.as_bytes()), Ok(airport));
    }

    #[test]
    fn arrivals_come_from_other_airports_alone() {
        let mut airport = dtw();
        let arrival = br#"{"arrival":{"from":"LAS","date":"2001/01/01 00:47","delay":66}}"#;
        assert_eq!(airport.step(From::Actor, arrival), Ok(None));
        assert_eq!(airport.arrivals, 1);
        assert!(airport.step(From::Feed, arrival).is_err());
        assert!(airport.step(From::Actor, &flight(1, "DTW", "LAS")).is_err());
        assert_eq!(airport.step(From::Notice, b""), Ok(None));
        assert_eq!((airport.arrivals, airport.unheard), (1, 1));
    }

    #[test]
    fn a_flight_that_makes_no_sense_is_refused() {
        let good = String::from_utf8(flight(1, "DTW", "LAS")).unwrap();
        assert!(dtw().step(From::Feed, good.as_bytes()).is_ok());
        for (from, to) in [
            ("\"DTW\"", "\"LAX\""),
            ("\"LAS\"", "\"DTW\""),
            ("\"LAS\"", "\"las\""),
            ("2001/01/01 00:47", "2001-01-01"),
            ("1750", "0"),
            ("1750", "1.5"),
            ("\"delay\":1", "\"delay\":10081"),
            ("{", "{\"gate\":1,"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert!(bad != good && dtw().step(From::Feed, bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn delays_fit_the_departures() {
        let with = |departures, delay, worst| {
            let worst = Some(Worst { delay: worst, date: String::new(), destination: String::new() });
            Airport { departures, delay, worst, ..dtw() }.check().is_ok()
        };
        assert!(with(2, 10, 5) && with(2, -10, -1));
        assert!(!with(2, 11, 5) && !with(0, 0, 0));
        assert!(dtw().check().is_ok() && Airport { delay: 1, ..dtw() }.check().is_err());
        assert!(Airport::new(None).is_err() && Airport::new(Some(br#"{"code":"dtw"}"#)).is_err());
    }
}
