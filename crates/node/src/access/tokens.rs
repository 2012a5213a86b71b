//! The file of tokens as a running node sees it.
//!
//! Invariant: a token that was revoked is refused a second later at most. A file that cannot be read lets nobody in,
//! since nobody can say who was revoked.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::denied::Denied;
use super::file::{Stamp, TokenEntry, TokenError, read};
use super::scope::Scope;
use super::token::{self, SecretHash, TokenId};

/// How often the file is looked at, while there are requests.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The tokens that are valid now.
pub struct Tokens {
    path: PathBuf,
    look_every: Duration,
    known: Mutex<Known>,
}

struct Known {
    looked: Instant,
    /// None when the file could not be read.
    stamp: Option<Stamp>,
    entries: Result<Arc<[TokenEntry]>, String>,
}

impl Tokens {
    /// Reads the file, and looks at it from now on.
    ///
    /// # Errors
    /// [`TokenError`] if it cannot be read now.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TokenError> {
        Self::looking_every(path.into(), LOOK_EVERY)
    }

    fn looking_every(path: PathBuf, look_every: Duration) -> Result<Self, TokenError> {
        let (entries, stamp) = read(&path)?;
        let known = Known { looked: Instant::now(), stamp: Some(stamp), entries: Ok(entries.into()) };
        Ok(Self { path, look_every, known: Mutex::new(known) })
    }

    /// Whether the text of a token allows something.
    ///
    /// # Errors
    /// [`Denied::Unknown`] if it is no valid token, [`Denied::Forbidden`] if it does not allow this.
    pub fn check(&self, bearer: &str, needed: Scope) -> Result<TokenId, Denied> {
        let Some((id, hash)) = token::read(bearer) else {
            return Err(Denied::unknown("this is not a token of troupe: one begins with troupe_"));
        };
        let entries = self.entries().map_err(|_| Denied::unknown("the node cannot read its tokens now"))?;
        let entry = entries.iter().find(|entry| entry.id == id);
        // A token that does not exist takes as long as a wrong secret of one that does.
        let kept = entry.map_or_else(SecretHash::of_nobody, |entry| entry.hash.clone());
        let is_same = kept.is(&hash);
        match entry.filter(|_| is_same) {
            None => Err(Denied::unknown(format!("the token {id} is not valid here, or was revoked"))),
            Some(entry) if !entry.scopes.allow(needed) => Err(Denied::forbidden(format!(
                "the token {id} allows {}, and this needs {needed}",
                entry.scopes
            ))),
            Some(_) => Ok(id),
        }
    }

    /// Why nobody is let in, if the file cannot be read; for whoever runs the node.
    pub fn problem(&self) -> Option<String> {
        self.entries().err()
    }

    fn entries(&self) -> Result<Arc<[TokenEntry]>, String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked.elapsed() >= self.look_every {
            known.looked = Instant::now();
            let stamp = Stamp::of(&self.path).ok();
            if stamp.is_none() || stamp != known.stamp {
                (known.entries, known.stamp) = match read(&self.path) {
                    Ok((entries, stamp)) => (Ok(entries.into()), Some(stamp)),
                    Err(error) => (Err(error.to_string()), None),
                };
            }
        }
        known.entries.clone()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Scopes, TokenFile};
    use super::*;

    struct Place {
        _folder: tempfile::TempDir,
        path: PathBuf,
        file: TokenFile,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        Place { _folder: folder, file: TokenFile::new(&path), path }
    }

    fn scopes(scope: Scope) -> Scopes {
        Scopes::new(vec![scope]).unwrap()
    }

    fn eager(place: &Place) -> Tokens {
        Tokens::looking_every(place.path.clone(), Duration::ZERO).unwrap()
    }

    #[test]
    fn a_token_allows_its_scopes_and_nothing_else() {
        let place = place();
        let sender = place.file.create("sender", scopes(Scope::Send)).unwrap();
        let owner = place.file.create("owner", scopes(Scope::Manage)).unwrap();
        let tokens = Tokens::open(&place.path).unwrap();
        assert_eq!(tokens.check(sender.secret.expose(), Scope::Send), Ok(sender.entry.id.clone()));
        for scope in Scope::ALL {
            assert_eq!(tokens.check(owner.secret.expose(), scope), Ok(owner.entry.id.clone()));
        }
        let denied = tokens.check(sender.secret.expose(), Scope::Manage).unwrap_err();
        assert_eq!((denied.status(), denied.challenge()), (403, None));
        assert!(denied.to_string().contains("allows send, and this needs manage"));
    }

    #[test]
    fn a_wrong_secret_or_id_is_unknown_and_not_repeated() {
        let place = place();
        let made = place.file.create("one", scopes(Scope::Read)).unwrap();
        let tokens = Tokens::open(&place.path).unwrap();
        let good = made.secret.expose();
        let flipped = if good.ends_with('0') { '1' } else { '0' };
        let wrong_secret = format!("{}{flipped}", &good[..good.len() - 1]);
        let wrong_id = good.replace(&made.entry.id.to_string(), "000000000000");
        for text in [&*wrong_secret, &*wrong_id, "", "secret"] {
            let denied = tokens.check(text, Scope::Read).unwrap_err();
            assert_eq!((denied.status(), denied.challenge().is_some()), (401, true));
            assert!(text.len() < 20 || !denied.to_string().contains(&text[text.len() - 8..]), "{denied}");
        }
        assert!(!format!("{tokens:?}").contains("hash"));
    }

    #[test]
    fn a_running_node_notices_what_is_made_and_revoked() {
        let place = place();
        let one = place.file.create("one", scopes(Scope::Read)).unwrap();
        let tokens = eager(&place);
        let two = place.file.create("two", scopes(Scope::Read)).unwrap();
        assert!(tokens.check(two.secret.expose(), Scope::Read).is_ok());
        place.file.revoke(&one.entry.id).unwrap();
        assert_eq!(tokens.check(one.secret.expose(), Scope::Read).unwrap_err().status(), 401);
        assert!(tokens.check(two.secret.expose(), Scope::Read).is_ok());
    }

    #[test]
    fn the_file_is_looked_at_once_a_second_at_most() {
        let place = place();
        let one = place.file.create("one", scopes(Scope::Read)).unwrap();
        let tokens = Tokens::looking_every(place.path.clone(), Duration::from_hours(1)).unwrap();
        place.file.revoke(&one.entry.id).unwrap();
        assert!(tokens.check(one.secret.expose(), Scope::Read).is_ok(), "it was not looked at yet");
        tokens.known.lock().unwrap().looked = Instant::now().checked_sub(Duration::from_hours(2)).unwrap();
        assert!(tokens.check(one.secret.expose(), Scope::Read).is_err());
    }

    #[test]
    fn a_file_that_cannot_be_read_lets_nobody_in_until_it_can() {
        let place = place();
        let one = place.file.create("one", scopes(Scope::Read)).unwrap();
        let tokens = eager(&place);
        let kept = fs::read(&place.path).unwrap();
        fs::remove_file(&place.path).unwrap();
        assert_eq!(tokens.check(one.secret.expose(), Scope::Read).unwrap_err().status(), 401);
        fs::write(&place.path, "{").unwrap();
        fs::set_permissions(&place.path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(tokens.check(one.secret.expose(), Scope::Read).is_err());
        assert!(tokens.problem().unwrap().contains("not a file of tokens"));
        fs::write(&place.path, kept).unwrap();
        assert!(tokens.check(one.secret.expose(), Scope::Read).is_ok() && tokens.problem().is_none());
    }
}
