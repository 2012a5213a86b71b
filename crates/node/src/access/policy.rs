//! Whether a request is let through.
//!
//! Whoever uses this machine may do everything without a token, if the node is set so. A browser on this machine is used
//! by strangers too, the pages that it shows. Two of their ways are closed: a page whose name was made to lead here (DNS
//! rebinding) gives its own name in `Host`; a page that sends a form or a script's request here says so in `Origin` or
//! `Sec-Fetch-Site`.
//!
//! Invariant: a token that is given decides alone; a wrong one is never taken for none. A header that is there twice, or
//! is not text, fits nothing.
//!
//! Deliberately absent: CORS. No page of another origin may read an answer.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, Request, Uri, header};

use super::denied::Denied;
use super::scope::Scope;
use super::token::TokenId;
use super::tokens::Tokens;

/// What stands for a header that fits nothing.
const UNFIT: &str = "\0";
/// What a proxy adds to a request that it passes on.
const OF_PROXIES: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/// Who may do what on a node.
#[derive(Debug, Default)]
pub struct Policy {
    /// The tokens that let clients in.
    pub tokens: Option<Tokens>,
    /// Whether everybody may read.
    pub public_read: bool,
    /// Whether this machine needs no token. Behind a proxy on the same machine this must be off: whatever the proxy
    /// passes on comes from this machine.
    pub loopback_free: bool,
    /// Names, beside those of loopback, that this machine may call the node by.
    pub hosts: Vec<String>,
}

/// Who was let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Whoever has this token.
    Token(TokenId),
    /// Somebody on this machine.
    Local,
    /// Anybody, since everybody may do this.
    Anyone,
}

/// What a request says of who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// The host that the client means: of the request's target if it has one, else `Host`.
    pub host: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
    /// Whether a proxy passed it on.
    pub forwarded: bool,
}

impl<'a> Asked<'a> {
    /// Takes what counts from a request.
    pub fn of<B>(peer: IpAddr, request: &'a Request<B>) -> Self {
        Self::of_parts(peer, request.uri(), request.headers())
    }

    /// Takes what counts from the target and the headers of a request.
    pub fn of_parts(peer: IpAddr, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        Self {
            peer,
            authorization: only(headers, &header::AUTHORIZATION),
            host: uri.authority().map(|target| target.as_str()).or(only(headers, &header::HOST)),
            origin: only(headers, &header::ORIGIN),
            fetch_site: only(headers, &HeaderName::from_static("sec-fetch-site")),
            forwarded: OF_PROXIES.iter().any(|name| headers.contains_key(*name)),
        }
    }
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().unwrap_or(UNFIT);
    Some(if values.next().is_some() { UNFIT } else { value })
}

impl Policy {
    /// Whether a request may do something, and who it is that does.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn authorize(&self, asked: &Asked<'_>, needed: Scope) -> Result<Who, Denied> {
        if let Some(authorization) = asked.authorization {
            return self.by_token(authorization, needed).map(Who::Token);
        }
        if self.public_read && needed == Scope::Read {
            return Ok(Who::Anyone);
        }
        let is_local = asked.peer.to_canonical().is_loopback() && !asked.forwarded;
        if !self.loopback_free || !is_local {
            return Err(Denied::unknown(format!(
                "this needs a token that allows {needed}: Authorization: Bearer troupe_…"
            )));
        }
        self.check_host(asked.host)?;
        if needed != Scope::Read {
            check_origin(asked)?;
        }
        Ok(Who::Local)
    }

    fn by_token(&self, authorization: &str, needed: Scope) -> Result<TokenId, Denied> {
        let (scheme, token) = authorization.split_once(' ').unwrap_or((authorization, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Denied::unknown("expected the header as Authorization: Bearer troupe_…"));
        }
        match &self.tokens {
            Some(tokens) => tokens.check(token.trim(), needed),
            None => {
                Err(Denied::unknown("this node has no tokens: ask without one, from the machine it runs on"))
            }
        }
    }

    /// Whoever asks for another name was led here by it. A client without `Host` is no browser.
    fn check_host(&self, host: Option<&str>) -> Result<(), Denied> {
        let Some(host) = host else { return Ok(()) };
        let name = name_of(host);
        if is_loopback(name) || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(Denied::forbidden(
            "without a token, this node is called 127.0.0.1, [::1] or localhost; the request's `Host` says otherwise",
        ))
    }
}

/// A page may change things only where it comes from.
fn check_origin(asked: &Asked<'_>) -> Result<(), Denied> {
    if asked.fetch_site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err(Denied::forbidden(
            "a page of another origin sent this, as `Sec-Fetch-Site` says; it needs a token",
        ));
    }
    let Some(origin) = asked.origin else { return Ok(()) };
    let from = origin.split_once("://").map(|(_, authority)| authority);
    match (from, asked.host) {
        (Some(from), Some(host)) if from.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(Denied::forbidden("a page of another origin sent this, as `Origin` says; it needs a token")),
    }
}

/// The host without its port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

fn is_loopback(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_address = name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    let below = name.len().checked_sub("localhost".len()).and_then(|start| name.split_at_checked(start));
    is_address
        || below.is_some_and(|(below, last)| {
            last.eq_ignore_ascii_case("localhost") && (below.is_empty() || below.ends_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::super::{Scopes, TokenFile};
    use super::*;

    fn asked<'a>(peer: &str) -> Asked<'a> {
        let host = Some("127.0.0.1:8080");
        let peer = peer.parse().unwrap();
        Asked { peer, authorization: None, host, origin: None, fetch_site: None, forwarded: false }
    }

    fn free() -> Policy {
        Policy { loopback_free: true, hosts: vec!["node.internal".to_owned()], ..Policy::default() }
    }

    fn status(result: &Result<Who, Denied>) -> u16 {
        result.as_ref().err().map_or(200, Denied::status)
    }

    #[test]
    fn this_machine_needs_no_token_and_others_do() {
        for peer in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(free().authorize(&asked(peer), Scope::Manage), Ok(Who::Local));
            assert_eq!(status(&Policy::default().authorize(&asked(peer), Scope::Read)), 401);
        }
        for peer in ["192.168.1.2", "::2", "::ffff:10.0.0.1"] {
            let denied = free().authorize(&asked(peer), Scope::Read).unwrap_err();
            assert!(denied.status() == 401 && denied.to_string().contains("allows read"));
        }
    }

    #[test]
    fn what_a_proxy_passes_on_is_not_of_this_machine() {
        let forwarded = Asked { forwarded: true, ..asked("127.0.0.1") };
        assert_eq!(status(&free().authorize(&forwarded, Scope::Read)), 401);
    }

    #[test]
    fn everybody_reads_where_reading_is_public() {
        let policy = Policy { public_read: true, ..Policy::default() };
        let foreign = Asked { host: Some("attacker.example"), ..asked("192.168.1.2") };
        assert_eq!(policy.authorize(&foreign, Scope::Read), Ok(Who::Anyone));
        assert_eq!(status(&policy.authorize(&foreign, Scope::Send)), 401);
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_leads_nowhere() {
        for (host, expect) in [
            (None, 200),
            (Some("localhost"), 200),
            (Some("LOCALHOST:8080"), 200),
            (Some("a.localhost.:1"), 200),
            (Some("[::1]:8080"), 200),
            (Some("[::1]"), 200),
            (Some("127.0.0.2"), 200),
            (Some("Node.internal:8080"), 200),
            (Some("attacker.example:8080"), 403),
            (Some("notlocalhost"), 403),
            (Some("localhost.attacker.example"), 403),
            (Some("127.0.0.1.attacker.example"), 403),
            (Some("192.168.1.2"), 403),
            (Some("0.0.0.0"), 403),
            (Some(""), 403),
            (Some(UNFIT), 403),
        ] {
            for needed in Scope::ALL {
                let result = free().authorize(&Asked { host, ..asked("127.0.0.1") }, needed);
                assert_eq!(status(&result), expect, "{host:?}");
            }
        }
    }

    #[test]
    fn a_page_of_another_origin_changes_nothing() {
        for (origin, fetch_site, expect) in [
            (None, None, 200),
            (Some("http://127.0.0.1:8080"), None, 200),
            (Some("https://127.0.0.1:8080"), Some("same-origin"), 200),
            (None, Some("none"), 200),
            (Some("https://attacker.example"), None, 403),
            (Some("http://127.0.0.1:3000"), None, 403),
            (Some("http://localhost:8080"), None, 403),
            (Some("null"), None, 403),
            (Some(""), None, 403),
            (Some(UNFIT), None, 403),
            (None, Some("cross-site"), 403),
            (None, Some("same-site"), 403),
            (Some("http://127.0.0.1:8080"), Some("cross-site"), 403),
        ] {
            let page = Asked { origin, fetch_site, ..asked("127.0.0.1") };
            for needed in [Scope::Send, Scope::Manage] {
                assert_eq!(status(&free().authorize(&page, needed)), expect, "{origin:?} {fetch_site:?}");
            }
            assert_eq!(status(&free().authorize(&page, Scope::Read)), 200, "it cannot read the answer");
        }
        let no_host = Asked { host: None, origin: Some("http://"), ..asked("127.0.0.1") };
        assert_eq!(status(&free().authorize(&no_host, Scope::Send)), 403);
    }

    #[test]
    fn a_token_that_is_given_decides_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::new(folder.path().join("tokens.json"));
        let made = file.create("one", Scopes::new(vec![Scope::Send]).unwrap()).unwrap();
        let tokens = Some(Tokens::open(folder.path().join("tokens.json")).unwrap());
        let policy = Policy { tokens, public_read: true, ..free() };
        let bearer = format!("bearer {}", made.secret.expose());
        let foreign =
            Asked { host: Some("a.example"), origin: Some("https://b.example"), ..asked("192.168.1.2") };
        let with = |authorization| Asked { authorization: Some(authorization), ..foreign };
        assert_eq!(policy.authorize(&with(&bearer), Scope::Send), Ok(Who::Token(made.entry.id)));
        assert_eq!(status(&policy.authorize(&with(&bearer), Scope::Manage)), 403);
        for wrong in ["", "Bearer", "Bearer x", "Basic eDp5", made.secret.expose(), UNFIT] {
            let local = Asked { authorization: Some(wrong), ..asked("127.0.0.1") };
            assert_eq!(status(&policy.authorize(&local, Scope::Read)), 401, "{wrong}");
        }
        assert_eq!(status(&free().authorize(&with(&bearer), Scope::Send)), 401);
    }

    #[test]
    fn headers_are_taken_as_they_are_and_what_is_there_twice_fits_nothing() {
        let peer = "127.0.0.1".parse().unwrap();
        let request = Request::builder()
            .uri("/state")
            .header("host", "localhost")
            .header("origin", "http://a.example")
            .header("origin", "http://localhost")
            .header("authorization", &b"Bearer \xff"[..])
            .header("sec-fetch-site", "none")
            .header("via", "1.1 proxy")
            .body(())
            .unwrap();
        let asked = Asked::of(peer, &request);
        assert_eq!((asked.host, asked.origin), (Some("localhost"), Some(UNFIT)));
        assert_eq!((asked.authorization, asked.fetch_site), (Some(UNFIT), Some("none")));
        assert!(asked.forwarded);
        let absolute =
            Request::builder().uri("http://a.example:1/").header("host", "localhost").body(()).unwrap();
        let asked = Asked::of(peer, &absolute);
        assert_eq!((asked.host, asked.forwarded), (Some("a.example:1"), false));
    }
}
