//! A running node as commands use it: where it is, the token that it asks for, and its actors by name.
//!
//! Invariant: a token comes from a file or the environment, never from an argument, which others on the machine can see.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use troupe_api::{ActorSummary, Client, ClientError, ErrorCode, Info};
use troupe_chain::{Files, Hash};
use troupe_identity::Signer;

use super::failure::Failure;
use super::parse;

/// How many actors are asked for at once.
const PAGE: u64 = 1000;
/// The fewest digits that an id may be shortened to.
const MIN_DIGITS: usize = 4;
/// The most characters that a token may have.
const MAX_TOKEN: usize = 4096;

/// Which node, and by what right.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct NodeArgs {
    /// The URL of the node
    #[arg(
        long,
        value_name = "URL",
        env = "TROUPE_NODE",
        default_value = "http://127.0.0.1:8080",
        help_heading = "Node"
    )]
    pub(super) node: String,
    /// The file that holds a token for the node, and nothing else [default: the variable TROUPE_TOKEN]
    #[arg(long, value_name = "FILE", help_heading = "Node")]
    pub(super) token_file: Option<PathBuf>,
    /// The certificate, as PEM, that vouches for an https node [default: those that the web trusts]
    #[arg(long, value_name = "FILE", env = "TROUPE_CA", help_heading = "Node")]
    pub(super) ca: Option<PathBuf>,
}

impl NodeArgs {
    fn token(&self) -> Result<Option<String>, Failure> {
        let (token, of) = match &self.token_file {
            Some(path) => {
                let text = String::from_utf8_lossy(&parse::file(path)?).into_owned();
                (Some(text), path.display().to_string())
            }
            None => (std::env::var("TROUPE_TOKEN").ok(), "TROUPE_TOKEN".to_owned()),
        };
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        let fits =
            |token: &String| token.len() <= MAX_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.as_ref().is_some_and(|token| !fits(token)) {
            return Err(Failure::cannot(format_args!("{of} holds no token: a token is one word"))
                .help("put what `troupe token create` printed into it, and nothing else"));
        }
        Ok(token)
    }

    /// A client of whatever is at a URL.
    pub(super) fn client_of(&self, url: &str) -> Result<Client, Failure> {
        let client = Client::new(url)?.with_token(self.token()?);
        let Some(path) = &self.ca else { return Ok(client) };
        let wrong = |what| Failure::cannot(format_args!("{}: {what}", path.display()));
        client.trusting(&parse::file(path)?).map_err(wrong)
    }

    /// The node.
    pub(super) fn connect(&self) -> Result<Node, Failure> {
        Ok(Node { client: self.client_of(&self.node)? })
    }
}

/// A running node.
pub(super) struct Node {
    pub(super) client: Client,
}

impl Node {
    /// Signs what it asks to be done, as the DID of this key.
    pub(super) fn signed_by(self, signer: Arc<dyn Signer>) -> Self {
        Self { client: self.client.signed_by(signer) }
    }

    /// Asks for a value.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let bytes = self.client.call("GET", path, None).map_err(|error| explain(&error))?;
        self.read(path, &bytes)
    }

    /// Asks for something to be done.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_string(body).map_err(Failure::cannot)?;
        let body = Some(("application/json", body.as_bytes()));
        let bytes = self.client.call("POST", path, body).map_err(|error| explain(&error))?;
        self.read(path, &bytes)
    }

    fn read<T: DeserializeOwned>(&self, path: &str, bytes: &[u8]) -> Result<T, Failure> {
        // Some answers have nothing to say.
        let bytes = if bytes.is_empty() { b"null" } else { bytes };
        serde_json::from_slice(bytes).map_err(|error| {
            let what = format!("{}{path} answered what no node says: {error}", self.client.url());
            Failure::cannot(what)
                .help("check that a Troupe node listens there, of the version of this program")
        })
    }

    /// Gives the node a component.
    pub(super) fn upload(&self, bytes: &[u8]) -> Result<String, Failure> {
        Ok(self.client.upload(bytes).map_err(|error| explain(&error))?.component)
    }

    /// Gives the node the files that are granted.
    pub(super) fn upload_files(&self, files: &Files) -> Result<(), Failure> {
        for bytes in files.values() {
            self.client.upload_file(bytes).map_err(|error| explain(&error))?;
        }
        Ok(())
    }

    /// All actors in order of their ids; those that were removed too, if `all` is set.
    pub(super) fn list(&self, all: bool) -> Result<Vec<ActorSummary>, Failure> {
        let mut listed = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.client.list(after.as_deref(), PAGE, all).map_err(|error| explain(&error))?;
            listed.extend(page.actors);
            match page.next {
                // Ids ascend, so this comes to an end.
                Some(next) if Some(&next) > after.as_ref() => after = Some(next),
                _ => return Ok(listed),
            }
        }
    }

    /// Finds an actor by its name, its id, or the beginning of its id.
    pub(super) fn find(&self, text: &str) -> Result<Found, Failure> {
        match self.client.actor(text).info() {
            Ok(info) => Ok(Found { client: self.client.actor(&info.actor), info }),
            Err(ClientError::Problem(problem)) if problem.code == ErrorCode::NotFound => {
                let id = self.by_beginning(text)?;
                let client = self.client.actor(&id);
                let info = client.info().map_err(|error| explain(&error))?;
                Ok(Found { client, info })
            }
            Err(error) => Err(explain(&error)),
        }
    }

    /// The id that begins so, or which names are near.
    fn by_beginning(&self, text: &str) -> Result<String, Failure> {
        let listed = self.list(true)?;
        let names = listed.iter().filter_map(|actor| actor.name.as_deref());
        if is_beginning(text) {
            let ids: Vec<_> = listed.iter().filter(|actor| actor.actor.starts_with(text)).collect();
            match ids.as_slice() {
                [one] => return Ok(one.actor.clone()),
                [] => {}
                several => {
                    let what = format!("{} actors have an id that begins with {text}", several.len());
                    return Err(Failure::cannot(what).help("give more of its digits"));
                }
            }
        }
        Err(unknown(text, names, &format!("at {}", self.client.url()))
            .help(format_args!("`troupe ps --node {}` lists the actors there", self.client.url())))
    }
}

/// An actor of a node.
pub(super) struct Found {
    pub(super) client: Client,
    pub(super) info: Info,
}

impl Found {
    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.info.actor
    }

    /// Its name, else the beginning of its id.
    pub(super) fn shown(&self) -> String {
        self.info.name.clone().unwrap_or_else(|| super::screen::short(&self.info.actor))
    }

    /// The path of something of it.
    pub(super) fn path(&self, what: &str) -> String {
        format!("/actors/{}{what}", self.info.actor)
    }
}

/// Whether a text is the beginning of an id, or all of one.
pub(super) fn is_beginning(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (MIN_DIGITS..=2 * size_of::<Hash>()).contains(&text.len()) && text.bytes().all(digit)
}

/// There is no such actor; perhaps another was meant.
pub(super) fn unknown<'a>(text: &str, names: impl Iterator<Item = &'a str>, place: &str) -> Failure {
    let failure = Failure::cannot(format_args!("there is no actor `{text}` {place}"));
    match nearest(text, names) {
        Some(name) => failure.help(format_args!("did you mean `{name}`?")),
        None => failure,
    }
}

fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.map(|name| (name, strsim::jaro_winkler(text, name)));
    let near = near.filter(|(_, likeness)| *likeness > 0.75);
    near.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(name, _)| name)
}

/// What went wrong at a node, and what to do.
pub(super) fn explain(error: &ClientError) -> Failure {
    let Some(problem) = error.problem() else {
        let failure = Failure::cannot(error);
        return match (error, error.help()) {
            (ClientError::Refused(_), _) => {
                failure.help("`troupe serve` starts a node there; --node URL or TROUPE_NODE names another")
            }
            (ClientError::Connection { url, .. }, Some(help)) if url.starts_with("https://") => {
                failure.help(help).help("--ca FILE trusts a certificate that the web does not")
            }
            (_, Some(help)) => failure.help(help),
            (_, None) => failure,
        };
    };
    let failure = Failure::cannot(error);
    match problem.code {
        ErrorCode::Unauthorized => failure
            .help("give a token: --token-file FILE, or the variable TROUPE_TOKEN")
            .help("`troupe token create --name NAME --scope manage` makes one, where the node runs"),
        // Not all that is forbidden is a matter of tokens.
        ErrorCode::Forbidden if problem.detail.starts_with("the token ") => {
            failure.help("`troupe token create` makes a token with another scope")
        }
        ErrorCode::NameTaken => failure.help("take another --name, or `troupe remove` the actor that has it"),
        ErrorCode::Ended => failure.help("`troupe inspect ACTOR` says what took its place, if anything did"),
        ErrorCode::Paused => failure.help("`troupe resume ACTOR` lets it go on"),
        ErrorCode::NotCarriedOver => {
            failure.help("nothing was changed; `troupe upgrade --dry-run` shows what would be different")
        }
        ErrorCode::TooMany => failure.help("`troupe serve --max-actors N` lets the node have more"),
        ErrorCode::CannotBegin => failure.help("`troupe check COMPONENT --config …` tries init here"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let names = ["counter", "quakes", "alerts"];
        assert_eq!(nearest("countre", names.into_iter()), Some("counter"));
        assert_eq!(nearest("alert", names.into_iter()), Some("alerts"));
        assert_eq!(nearest("zzz", names.into_iter()), None);
    }

    #[test]
    fn the_beginning_of_an_id_has_hex_digits_and_some_of_them() {
        assert!(is_beginning("4b67a9") && is_beginning(&"a".repeat(64)));
        assert!(!is_beginning("4b6") && !is_beginning("counter") && !is_beginning("ABCDEF"));
    }
}
