//! The file of tokens: made, listed and changed by `troupe token`.
//!
//! Invariant: the file is replaced as a whole and synced, so that a crash leaves the old one or the new one; only its
//! owner may read it; and it has no secrets, only their hashes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use troupe_runtime::{Clock, SystemClock};

use super::scope::Scopes;
use super::token::{Secret, SecretHash, TokenId};

/// The format that this version reads and writes.
const FORMAT: u32 = 1;
/// The most tokens in a file.
const MAX_TOKENS: usize = 1_000;
/// The largest file that is read.
const MAX_FILE: u64 = 1 << 20;
/// The most characters of a token's name.
const MAX_NAME: usize = 64;

/// A token as the file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// What it is called.
    pub id: TokenId,
    /// What it is for, in the words of whoever made it.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    pub(super) hash: SecretHash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: u32,
    tokens: Vec<TokenEntry>,
}

/// A token that was made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What the file has of it.
    pub entry: TokenEntry,
    /// Its text, which nobody can find out again.
    pub secret: Secret,
}

/// What goes wrong with a file of tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or written.
    #[error("{doing} {path}: {source}", path = path.display())]
    Io {
        /// "cannot read" or "cannot write".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a file of tokens.
    #[error("{path} is not a file of tokens: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Others may write tokens into it.
    #[error(
        "{path} can be written by others (mode {mode:o}), who could give themselves tokens: chmod 600 it",
        path = path.display()
    )]
    Writable {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The token's name cannot be used.
    #[error("a token's name has 1 to {MAX_NAME} characters, none of them a control character")]
    Name,
    /// There is no room.
    #[error("there are {MAX_TOKENS} tokens, and may not be more: revoke one")]
    Full,
    /// There is no such token.
    #[error("there is no token {0}")]
    NoSuchToken(TokenId),
    /// No randomness for a secret.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

/// A file of tokens, to be changed.
#[derive(Debug, Clone)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// The file at a path; it need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Every token, in the order in which they were made.
    ///
    /// # Errors
    /// [`TokenError`]; a file that is not there is one too.
    pub fn list(&self) -> Result<Vec<TokenEntry>, TokenError> {
        Ok(read(&self.path)?.0)
    }

    /// Makes a token, and the file if there is none.
    ///
    /// # Errors
    /// [`TokenError`]; then no token was made.
    pub fn create(&self, name: &str, scopes: Scopes) -> Result<NewToken, TokenError> {
        if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(TokenError::Name);
        }
        let path = self.real_path();
        let _lock = lock(&path)?;
        let mut tokens = match read(&path) {
            Ok((tokens, _)) => tokens,
            Err(TokenError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        if tokens.len() >= MAX_TOKENS {
            return Err(TokenError::Full);
        }
        let id = loop {
            let id = TokenId::random().map_err(TokenError::NoRandomness)?;
            if tokens.iter().all(|token| token.id != id) {
                break id;
            }
        };
        let (secret, hash) = Secret::random(&id).map_err(TokenError::NoRandomness)?;
        let entry = TokenEntry { id, name: name.to_owned(), scopes, created: SystemClock.now().0, hash };
        tokens.push(entry.clone());
        write(&path, tokens)?;
        Ok(NewToken { entry, secret })
    }

    /// Takes a token away; a running node notices within a second.
    ///
    /// # Errors
    /// [`TokenError`]; then the token is still there, if it ever was.
    pub fn revoke(&self, id: &TokenId) -> Result<TokenEntry, TokenError> {
        let path = self.real_path();
        let _lock = lock(&path)?;
        let mut tokens = read(&path)?.0;
        let found = tokens.iter().position(|token| token.id == *id);
        let revoked = tokens.remove(found.ok_or_else(|| TokenError::NoSuchToken(id.clone()))?);
        write(&path, tokens)?;
        Ok(revoked)
    }

    /// Where a link leads, so that the file is replaced and not the link.
    fn real_path(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }
}

/// What tells one state of a file from the next: a file that replaced it differs in its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    changed: (i64, i64),
    mode: u32,
}

impl Stamp {
    fn new(found: &fs::Metadata) -> Self {
        let changed = (found.ctime(), found.ctime_nsec());
        Self { inode: found.ino(), size: found.len(), changed, mode: found.mode() }
    }

    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::new(&fs::metadata(path)?))
    }
}

pub(super) fn read(path: &Path) -> Result<(Vec<TokenEntry>, Stamp), TokenError> {
    let failed = |source| TokenError::Io { doing: "cannot read", path: path.to_owned(), source };
    let malformed = |reason: String| TokenError::Malformed { path: path.to_owned(), reason };
    let file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(TokenError::Writable { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(malformed(format!("it is larger than {MAX_FILE} bytes")));
    }
    let content: Content = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    if content.format != FORMAT {
        return Err(malformed(format!("it is of format {}; this reads format {FORMAT}", content.format)));
    }
    Ok((content.tokens, Stamp::new(&found)))
}

fn write(path: &Path, tokens: Vec<TokenEntry>) -> Result<(), TokenError> {
    let failed = |source| TokenError::Io { doing: "cannot write", path: path.to_owned(), source };
    let content = serde_json::to_vec_pretty(&Content { format: FORMAT, tokens });
    let mut content = content.map_err(|error| failed(error.into()))?;
    content.push(b'\n');
    let folder = folder(path);
    // Only its owner may read or write it, from the moment that it is there.
    let mut file = tempfile::Builder::new()
        .prefix(".tokens")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(&content).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// Keeps others from changing the file between reading and writing it, for as long as the result is there.
fn lock(path: &Path) -> Result<File, TokenError> {
    let failed = |source| TokenError::Io { doing: "cannot write", path: path.to_owned(), source };
    let folder = File::open(folder(path)).map_err(failed)?;
    folder.lock().map_err(failed)?;
    Ok(folder)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::super::scope::Scope;
    use super::*;

    fn file() -> (tempfile::TempDir, TokenFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::new(folder.path().join("tokens.json"));
        (folder, file)
    }

    fn read_scope() -> Scopes {
        Scopes::new(vec![Scope::Read]).unwrap()
    }

    #[test]
    fn tokens_are_made_listed_and_revoked() {
        let (_folder, file) = file();
        let one = file.create("one", read_scope()).unwrap().entry;
        let two = file.create("two", Scopes::new(vec![Scope::Manage]).unwrap()).unwrap().entry;
        let ids =
            |file: &TokenFile| file.list().unwrap().into_iter().map(|token| token.id).collect::<Vec<_>>();
        assert_eq!(ids(&file), [one.id.clone(), two.id.clone()]);
        assert_eq!(file.revoke(&one.id).unwrap().name, "one");
        assert_eq!(ids(&file), [two.id]);
        assert!(matches!(file.revoke(&one.id), Err(TokenError::NoSuchToken(id)) if id == one.id));
    }

    #[test]
    fn the_file_has_no_secret_and_only_its_owner_reads_it() {
        let (folder, file) = file();
        let secret = file.create("one", read_scope()).unwrap().secret;
        let text = fs::read_to_string(&file.path).unwrap();
        assert!(!text.contains(secret.expose().rsplit('_').next().unwrap()));
        assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_link_stays_a_link() {
        let (folder, file) = file();
        file.create("one", read_scope()).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&file.path, &link).unwrap();
        TokenFile::new(&link).create("two", read_scope()).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(file.list().unwrap().len(), 2);
    }

    #[test]
    fn tokens_made_at_the_same_time_are_all_there() {
        let (_folder, file) = file();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5).for_each(|_| drop(file.create("one", read_scope()).unwrap())));
            }
        });
        assert_eq!(file.list().unwrap().len(), 20);
    }

    #[test]
    fn a_file_that_cannot_be_trusted_or_understood_is_an_error_and_stays() {
        let (_folder, file) = file();
        assert!(matches!(file.list(), Err(TokenError::Io { .. })));
        for name in ["", " ", "a\nb", &"x".repeat(65)] {
            assert!(matches!(file.create(name, read_scope()), Err(TokenError::Name)));
        }
        for (text, reason) in [
            ("", "EOF"),
            ("{\"format\":2,\"tokens\":[]}", "format 2"),
            ("{\"format\":1,\"tokens\":[],\"x\":1}", "unknown field `x`"),
            (
                "{\"format\":1,\"tokens\":[{\"id\":\"0\",\"name\":\"\",\"scopes\":[],\"created\":0,\"hash\":\"\"}]}",
                "12 hex digits",
            ),
        ] {
            fs::write(&file.path, text).unwrap();
            fs::set_permissions(&file.path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = file.create("one", read_scope()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert_eq!(fs::read_to_string(&file.path).unwrap(), text);
        }
        fs::set_permissions(&file.path, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(file.list().unwrap_err().to_string().contains("(mode 620)"));
    }
}
