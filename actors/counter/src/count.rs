//! The rules of the count: what a message is, what a state is, and when the observer hears of it.

use serde::Deserialize;

/// How often the observer hears of the count.
const OBSERVED: i64 = 10;

/// The state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Count {
    count: i64,
}

/// A message.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    add: i64,
}

/// What an accepted message leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The state from now on.
    pub(crate) count: Count,
    /// Whether the observer hears of it.
    pub(crate) observed: bool,
}

impl Count {
    /// Reads a state.
    pub(crate) fn decode(state: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(state).map_err(|error| format!("not a count: {error}"))
    }

    /// Writes the state.
    pub(crate) fn encode(self) -> Vec<u8> {
        format!("{{\"count\":{}}}", self.count).into_bytes()
    }

    /// Takes a message, or says why it is refused.
    pub(crate) fn step(self, message: &[u8]) -> Result<Step, String> {
        let Add { add } =
            serde_json::from_slice(message).map_err(|error| format!("not an addition: {error}"))?;
        let count = self.count.checked_add(add).ok_or("the count would not fit in 64 bits")?;
        Ok(Step { count: Self { count }, observed: add != 0 && count % OBSERVED == 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(count: i64, message: &str) -> Result<(i64, bool), String> {
        let step = Count { count }.step(message.as_bytes())?;
        Ok((step.count.count, step.observed))
    }

    #[test]
    fn additions_of_either_sign_are_taken() {
        assert_eq!(step(0, r#"{"add":3}"#), Ok((3, false)));
        assert_eq!(step(3, r#" { "add" : -5 } "#), Ok((-2, false)));
    }

    #[test]
    fn the_observer_hears_of_each_new_multiple_of_ten() {
        assert_eq!(step(9, r#"{"add":1}"#), Ok((10, true)));
        assert_eq!(step(-21, r#"{"add":1}"#), Ok((-20, true)));
        assert_eq!(step(1, r#"{"add":-1}"#), Ok((0, true)));
        assert_eq!(step(10, r#"{"add":0}"#), Ok((10, false)), "the count did not become one");
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        assert!(step(i64::MAX, r#"{"add":1}"#).is_err());
        assert!(step(i64::MIN, r#"{"add":-1}"#).is_err());
    }

    #[test]
    fn whatever_is_not_an_addition_is_refused() {
        let messages =
            ["", "1", "{}", r#"{"add":1.5}"#, r#"{"add":"1"}"#, r#"{"add":1,"by":"me"}"#, r#"{"add":1}x"#];
        for message in messages {
            assert!(step(0, message).is_err(), "{message}");
        }
    }

    #[test]
    fn a_state_survives_being_written_and_read() {
        for count in [0, -7, i64::MIN, i64::MAX] {
            assert_eq!(Count::decode(&Count { count }.encode()), Ok(Count { count }));
        }
        assert!(Count::decode(br#"{"count":null}"#).is_err());
    }
}
