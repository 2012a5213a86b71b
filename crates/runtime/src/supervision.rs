//! What becomes of an actor that fails again and again: the settings, their names and their bytes.
//!
//! Invariant: [`Supervision::decode`] takes exactly what [`Supervision::encode`] gives, and nothing else. A layout that
//! changes gets another version byte.
//!
//! Deliberately absent: carrying any of it out, and reading it from a manifest.

/// The first byte of what is stored.
const VERSION: u8 = 1;
/// Version, what to do, a count of 4 bytes, four numbers of 8 bytes; all little-endian.
const ENCODED: usize = 2 + 4 + 4 * 8;

/// What is done about an actor whose failures are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnFailure {
    /// Nothing: the failure is recorded, the state stays, the next message is taken.
    #[default]
    GoOn,
    /// The actor takes no more messages until somebody resumes it.
    Pause,
    /// The actor is begun anew from its first state.
    Restart,
    /// The actor goes back to an earlier state.
    Restore,
    /// The actor is stopped.
    Stop,
    /// Whoever supervises the actor decides.
    Escalate,
}

impl OnFailure {
    /// All of them, in the order of their stored numbers.
    pub const ALL: [Self; 6] =
        [Self::GoOn, Self::Pause, Self::Restart, Self::Restore, Self::Stop, Self::Escalate];

    /// The name that manifests use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GoOn => "go-on",
            Self::Pause => "pause",
            Self::Restart => "restart",
            Self::Restore => "restore",
            Self::Stop => "stop",
            Self::Escalate => "escalate",
        }
    }

    /// Finds it by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    fn number(self) -> u8 {
        match self {
            Self::GoOn => 0,
            Self::Pause => 1,
            Self::Restart => 2,
            Self::Restore => 3,
            Self::Stop => 4,
            Self::Escalate => 5,
        }
    }
}

impl std::fmt::Display for OnFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When failures are repeated, and what is done about them then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supervision {
    /// What is done.
    pub on_failure: OnFailure,
    /// So many failures within `within_ms` are repeated ones.
    pub failures: u32,
    /// The time that counts for `failures` and `max_restarts`, in milliseconds.
    pub within_ms: u64,
    /// The wait after the first restart, in milliseconds; it doubles with each one that follows.
    pub backoff_ms: u64,
    /// The longest wait, in milliseconds.
    pub max_backoff_ms: u64,
    /// So many restarts within `within_ms` are let pass; one more escalates.
    pub max_restarts: u32,
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            on_failure: OnFailure::GoOn,
            failures: 1,
            within_ms: 60_000,
            backoff_ms: 1_000,
            max_backoff_ms: 60_000,
            max_restarts: 5,
        }
    }
}

impl Supervision {
    /// The bytes to store.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ENCODED);
        bytes.extend([VERSION, self.on_failure.number()]);
        bytes.extend(self.failures.to_le_bytes());
        for number in [self.within_ms, self.backoff_ms, self.max_backoff_ms, self.max_restarts.into()] {
            bytes.extend(number.to_le_bytes());
        }
        bytes
    }

    /// Reads what [`Supervision::encode`] gave.
    ///
    /// # Errors
    /// [`BadSupervision`] for any other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadSupervision> {
        let bytes: &[u8; ENCODED] = bytes.try_into().map_err(|_| BadSupervision::Length(bytes.len()))?;
        let [VERSION, on_failure, rest @ ..] = bytes else {
            return Err(BadSupervision::Version(bytes[0]));
        };
        let on_failure = OnFailure::ALL
            .into_iter()
            .find(|one| one.number() == *on_failure)
            .ok_or(BadSupervision::OnFailure(*on_failure))?;
        let (failures, rest) = rest.split_at(4);
        let (numbers, _) = rest.as_chunks::<8>();
        let number = |at: usize| numbers.get(at).map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Ok(Self {
            on_failure,
            failures: failures.try_into().map_or(0, u32::from_le_bytes),
            within_ms: number(0),
            backoff_ms: number(1),
            max_backoff_ms: number(2),
            max_restarts: number(3).try_into().map_err(|_| BadSupervision::Restarts(number(3)))?,
        })
    }
}

/// Bytes that are no stored supervision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSupervision {
    /// There are too many or too few.
    #[error("a stored supervision has {ENCODED} bytes, not {0}")]
    Length(usize),
    /// Another program wrote it.
    #[error("a stored supervision of version {0} is not known; this reads version {VERSION}")]
    Version(u8),
    /// It says to do something that is not known.
    #[error("there is no action with the number {0} for an actor that fails")]
    OnFailure(u8),
    /// The number of restarts does not fit.
    #[error("{0} restarts are more than a supervision can have")]
    Restarts(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unlike_the_default(on_failure: OnFailure) -> Supervision {
        Supervision {
            on_failure,
            failures: u32::MAX,
            within_ms: u64::MAX,
            backoff_ms: 3,
            max_backoff_ms: 4,
            max_restarts: u32::MAX - 1,
        }
    }

    #[test]
    fn what_is_stored_reads_back() {
        for on_failure in OnFailure::ALL {
            let supervision = unlike_the_default(on_failure);
            assert_eq!(Supervision::decode(&supervision.encode()), Ok(supervision));
        }
        let usual = Supervision::default();
        assert_eq!(Supervision::decode(&usual.encode()), Ok(usual));
    }

    #[test]
    fn the_layout_of_version_1_stays_as_it_is() {
        let bytes = Supervision { on_failure: OnFailure::Restore, ..Supervision::default() }.encode();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = ["0103", "01000000", "60ea000000000000", "e803000000000000", "60ea000000000000"];
        assert_eq!(hex, parts.concat() + "0500000000000000");
    }

    #[test]
    fn other_bytes_are_refused() {
        let bytes = Supervision::default().encode();
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            Supervision::decode(&bytes)
        };
        assert_eq!(Supervision::decode(&[]), Err(BadSupervision::Length(0)));
        assert_eq!(Supervision::decode(&bytes[1..]), Err(BadSupervision::Length(37)));
        assert_eq!(Supervision::decode(&[&bytes[..], &[0]].concat()), Err(BadSupervision::Length(39)));
        assert_eq!(with(0, 2), Err(BadSupervision::Version(2)));
        assert_eq!(with(1, 6), Err(BadSupervision::OnFailure(6)));
        assert_eq!(with(34, 1), Err(BadSupervision::Restarts((1 << 32) + 5)));
    }

    #[test]
    fn every_action_is_found_by_its_name() {
        for on_failure in OnFailure::ALL {
            assert_eq!(OnFailure::parse(on_failure.as_str()), Some(on_failure));
        }
        assert_eq!(OnFailure::parse("Pause"), None);
    }
}
