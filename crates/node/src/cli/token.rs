//! `troupe token`: who may use a node from elsewhere.

use std::path::PathBuf;

use serde_json::json;
use troupe::access::{Scope, Scopes, TokenEntry, TokenError, TokenFile, TokenId};
use troupe_chain::Timestamp;

use super::failure::{Done, Failure, chain_of};
use super::parse::utc;
use super::screen::{BOLD, Screen, excerpt};

/// Make, list and revoke the tokens that let clients use a node
///
/// A node that uses the file notices a change within a second. Only the hash of a token is kept: it is shown once.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe token create --name laptop --scope read,send\n  \
    troupe token create --name deploy --scope manage --tokens /etc/troupe/tokens.json\n  \
    troupe token list\n  \
    troupe token revoke 0123456789ab\n\n\
    Then, from elsewhere:\n  \
    curl -H \"Authorization: Bearer $TOKEN\" https://node.example/state")]
pub(crate) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Make a token, and show it this once
    #[command(after_help = "Examples:\n  \
        troupe token create --name laptop --scope read,send\n  \
        TOKEN=$(troupe --json token create --name ci --scope send | jq -r .token)")]
    Create {
        /// What it is for
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it allows: read, send, manage; manage allows everything
        #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true)]
        scope: Vec<Scope>,
        #[command(flatten)]
        file: FileArg,
    },
    /// List the tokens, without their secrets
    #[command(after_help = "Examples:\n  \
        troupe token list\n  \
        troupe --json token list --tokens /etc/troupe/tokens.json | jq -r .id")]
    List {
        #[command(flatten)]
        file: FileArg,
    },
    /// Take a token away
    #[command(after_help = "Examples:\n  \
        troupe token revoke 0123456789ab")]
    Revoke {
        /// The token's id
        id: TokenId,
        #[command(flatten)]
        file: FileArg,
    },
}

#[derive(clap::Args)]
struct FileArg {
    /// The file of tokens
    #[arg(long, value_name = "FILE", default_value = "tokens.json")]
    tokens: PathBuf,
}

pub(super) fn token(screen: &Screen, command: Token) -> Done {
    match command.action {
        Action::Create { name, scope, file } => create(screen, &name, scope, &file),
        Action::List { file } => list(screen, &file),
        Action::Revoke { id, file } => revoke(screen, &id, &file),
    }
}

fn create(screen: &Screen, name: &str, scopes: Vec<Scope>, file: &FileArg) -> Done {
    let scopes = Scopes::new(scopes).ok_or_else(|| Failure::cannot("a token needs a scope"))?;
    let made = TokenFile::new(&file.tokens).create(name, scopes).map_err(|error| explain(&error))?;
    let (entry, token) = (&made.entry, made.secret.expose());
    if screen.json {
        let mut value = value_of(entry);
        value["token"] = token.into();
        return Ok(screen.json(&value)?);
    }
    screen.line(format_args!("{BOLD}{token}{BOLD:#}"))?;
    screen.field("id", &entry.id)?;
    screen.field("name", &entry.name)?;
    screen.field("allows", &entry.scopes)?;
    screen.field("file", file.tokens.display())?;
    screen.note("keep it now: only its hash is stored, and nobody can show it again");
    Ok(())
}

fn list(screen: &Screen, file: &FileArg) -> Done {
    let entries = TokenFile::new(&file.tokens).list().map_err(|error| explain(&error))?;
    if entries.is_empty() && !screen.json {
        screen.note(format_args!("{} has no tokens", file.tokens.display()));
    }
    for entry in &entries {
        if screen.json {
            screen.json(&value_of(entry))?;
            continue;
        }
        let (created, name) = (utc(Timestamp(entry.created)), excerpt(&entry.name, 64));
        screen.line(format_args!("{}  {created}  {:<16}  {name}", entry.id, entry.scopes))?;
    }
    Ok(())
}

fn revoke(screen: &Screen, id: &TokenId, file: &FileArg) -> Done {
    let entry = TokenFile::new(&file.tokens).revoke(id).map_err(|error| explain(&error))?;
    if screen.json {
        return Ok(screen.json(&json!({ "revoked": value_of(&entry) }))?);
    }
    Ok(screen.line(format_args!("revoked {} ({})", entry.id, excerpt(&entry.name, 64)))?)
}

fn value_of(entry: &TokenEntry) -> serde_json::Value {
    json!({ "id": entry.id, "name": entry.name, "scopes": entry.scopes, "created": entry.created })
}

fn explain(error: &TokenError) -> Failure {
    let failure = Failure::cannot(chain_of(error));
    match error {
        TokenError::NoSuchToken(_) => failure.help("`troupe token list` shows the tokens that there are"),
        TokenError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            failure.help("`troupe token create` makes the file; --tokens names another one")
        }
        _ => failure,
    }
}
