//! Which device: one token out of those that a library has, and a session of it.
//!
//! Invariant: a token is never guessed. What is said of it must fit exactly one of those that are there.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;

use super::{DeviceError, refused};
use crate::sealed::Passphrase;

/// A library that talks to devices, and what is said of the one that is meant: nothing, if it has one only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Token {
    /// The library.
    pub module: PathBuf,
    /// The device's label, which several may have.
    pub label: Option<String>,
    /// Its serial number, which stays with the device.
    pub serial: Option<String>,
    /// The slot that it is in, which may be another at the next start.
    pub slot: Option<u64>,
}

/// A token as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundToken {
    /// Its label.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    /// The slot that it is in.
    pub slot: u64,
}

impl fmt::Display for FoundToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (serial {}, slot {})", self.label, self.serial, self.slot)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token")?;
        if let Some(label) = &self.label {
            write!(f, " {label:?}")?;
        }
        if let Some(serial) = &self.serial {
            write!(f, " with serial {serial}")?;
        }
        if let Some(slot) = self.slot {
            write!(f, " in slot {slot}")?;
        }
        Ok(())
    }
}

impl Token {
    /// Whether all that is said of the token is so of this one.
    fn is(&self, found: &FoundToken) -> bool {
        self.label.as_ref().is_none_or(|label| *label == found.label)
            && self.serial.as_ref().is_none_or(|serial| *serial == found.serial)
            && self.slot.is_none_or(|slot| slot == found.slot)
    }

    /// Opens a session of the token, logged in.
    pub(super) fn session(
        &self,
        pin: &Passphrase,
        to_write: bool,
    ) -> Result<(Session, FoundToken), DeviceError> {
        let module = module(&self.module)?;
        let (slot, found) = self.choose(tokens(&module)?)?;
        let session = if to_write { module.open_rw_session(slot) } else { module.open_ro_session(slot) };
        let session = session.map_err(refused("open a session"))?;
        match session.login(UserType::User, Some(&pin.secret())) {
            // Another session of this process has logged in.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok((session, found)),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
                Err(DeviceError::Pin)
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(DeviceError::PinLocked),
            Err(error) => Err(refused("log in")(error)),
        }
    }

    /// The one that is meant.
    fn choose<S>(&self, there: Vec<(S, FoundToken)>) -> Result<(S, FoundToken), DeviceError> {
        let all: Vec<_> = there.iter().map(|(_, found)| found.clone()).collect();
        let mut fit = there.into_iter().filter(|(_, found)| self.is(found));
        match (fit.next(), fit.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(DeviceError::NoToken { wanted: self.clone(), there: all }),
            (Some(_), Some(_)) => {
                let there = all.into_iter().filter(|found| self.is(found)).collect();
                Err(DeviceError::SeveralTokens { wanted: self.clone(), there })
            }
        }
    }
}

/// The tokens of a library that are set up.
fn tokens(module: &Pkcs11) -> Result<Vec<(Slot, FoundToken)>, DeviceError> {
    let slots = module.get_slots_with_initialized_token().map_err(refused("list its tokens"))?;
    let found = |slot: Slot| {
        let info = module.get_token_info(slot).map_err(refused("say what it is"))?;
        let (label, serial) = (info.label().to_owned(), info.serial_number().to_owned());
        Ok((slot, FoundToken { label, serial, slot: slot.id() }))
    };
    slots.into_iter().map(found).collect()
}

/// A module is loaded and set up once in a process: ending one use of it would end all others.
fn module(path: &Path) -> Result<Pkcs11, DeviceError> {
    static MODULES: OnceLock<Mutex<HashMap<PathBuf, Pkcs11>>> = OnceLock::new();
    let mut modules = MODULES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let failed = |error: Error| DeviceError::Module { module: path.to_owned(), reason: error.to_string() };
    let module = Pkcs11::new(path).map_err(failed)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(failed)?;
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(wanted: &Token) -> Result<usize, DeviceError> {
        let found = |label: &str, serial: &str, slot| FoundToken {
            label: label.to_owned(),
            serial: serial.to_owned(),
            slot,
        };
        let there = [found("office", "a1", 5), found("office", "b2", 7), found("home", "c3", 9)];
        wanted.choose(there.into_iter().enumerate().collect()).map(|(index, _)| index)
    }

    #[test]
    fn a_token_is_chosen_by_what_is_its_alone_and_never_guessed() {
        let any = Token::default();
        let label = |label: &str| Token { label: Some(label.to_owned()), ..Token::default() };
        assert_eq!(choose(&label("home")).unwrap(), 2);
        assert_eq!(choose(&Token { serial: Some("b2".to_owned()), ..any.clone() }).unwrap(), 1);
        assert_eq!(choose(&Token { slot: Some(5), ..label("office") }).unwrap(), 0);
        let several = choose(&label("office")).unwrap_err();
        assert!(
            matches!(&several, DeviceError::SeveralTokens { there, .. } if there.len() == 2),
            "{several}"
        );
        assert!(matches!(choose(&any), Err(DeviceError::SeveralTokens { there, .. }) if there.len() == 3));
        let none = choose(&Token { slot: Some(9), ..label("office") }).unwrap_err();
        assert!(matches!(&none, DeviceError::NoToken { there, .. } if there.len() == 3), "{none}");
    }
}
