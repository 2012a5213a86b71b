//! What an actor may reach outside and what it is told there, as genesis lists it.
//!
//! Invariant: two ways to write the same grant have the same canonical text, and of the web nothing but a host with an
//! optional port is a grant: no scheme, no path, no name that only some resolvers understand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use troupe_chain::{Hash, Text};
use troupe_component::Grants;

/// Reads a host for calls over HTTP: `api.example.org`, `*.example.net`, `host:8443`, `[2001:db8::1]`. After `private:`
/// it may have an address that the internet does not route; then it is one host, on one port.
///
/// # Errors
/// What is wrong with it.
pub(super) fn http_grant(text: &str) -> Result<Text, String> {
    if text.contains("://") || text.contains('/') {
        return Err("expected a host such as api.example.org, without a scheme or a path".to_owned());
    }
    let lower = text.to_ascii_lowercase();
    let (private, rest) = lower.strip_prefix("private:").map_or((false, &*lower), |rest| (true, rest));
    let (host, port) = split_port(rest)?;
    let (wildcard, name) = host.strip_prefix("*.").map_or(("", host), |name| ("*.", name));
    let name = match address(name) {
        Some(_) if !wildcard.is_empty() => return Err("an address has no names below it".to_owned()),
        Some(address) if !private && is_private(address) => {
            return Err(format!(
                "{name} is not an address of the internet; write private:{name}:PORT to allow it"
            ));
        }
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("[{address}]"),
        None => {
            check_name(name, private)?;
            name.to_owned()
        }
    };
    if private && !wildcard.is_empty() {
        return Err("a private host is named in full".to_owned());
    }
    let kind = if private { "private" } else { "http" };
    let port = match port {
        Some(port) => format!(":{port}"),
        None if private => return Err(format!("a private host has a port: private:{name}:PORT")),
        None => String::new(),
    };
    granted(format!("{kind}:{wildcard}{name}{port}"))
}

/// Reads a grant as genesis lists it, but for that of a file: `http:HOST`, `private:HOST:PORT`, `env:NAME=VALUE`,
/// `args:["NAME",…]`, `commons:CAPABILITY`, `commons-for:MEMBER`.
///
/// # Errors
/// What is wrong with it.
pub fn grant(text: &str) -> Result<Text, String> {
    let Some((kind, what)) = text.split_once(':') else { return Err(EXPECTED.to_owned()) };
    match kind {
        "http" if !what.starts_with("//") => http_grant(what),
        "private" => http_grant(text),
        "env" => match what.split_once('=') {
            Some((name, value)) => env_grant(name, value),
            None => Err("expected env:NAME=VALUE".to_owned()),
        },
        "args" => match serde_json::from_str::<Vec<String>>(what) {
            Ok(args) => args_grant(&args.iter().map(String::as_str).collect::<Vec<_>>()),
            Err(error) => Err(format!("expected args: and a JSON array of texts: {error}")),
        },
        "commons" => commons_grant(what),
        "commons-for" => principal_grant(what),
        "file" => Err("files are granted by a manifest, which says where their bytes are".to_owned()),
        _ => Err(EXPECTED.to_owned()),
    }
}

const EXPECTED: &str = "expected http:HOST, such as http:api.example.org, or private:HOST:PORT, env:NAME=VALUE, \
                        args:[\"NAME\"], commons:CAPABILITY, commons-for:MEMBER";

/// A variable of the environment.
///
/// # Errors
/// What is wrong with it.
pub(super) fn env_grant(name: &str, value: &str) -> Result<Text, String> {
    if name.is_empty() || name.contains('=') {
        return Err("a variable's name is not empty and has no `=`".to_owned());
    }
    granted(format!("env:{name}={value}"))
}

/// The arguments of a program, its name first.
///
/// # Errors
/// What is wrong with them.
pub(super) fn args_grant(args: &[&str]) -> Result<Text, String> {
    let json = serde_json::to_string(args).map_err(|error| error.to_string())?;
    let mut text = String::from("args:");
    for c in json.chars() {
        match c.is_ascii() {
            true => text.push(c),
            // A grant is ASCII, and JSON can say any letter in it.
            false => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")))
            }
        }
    }
    granted(text)
}

/// A capability of the commons.
///
/// # Errors
/// That there is no such.
pub(super) fn commons_grant(capability: &str) -> Result<Text, String> {
    granted(format!("commons:{capability}"))
}

/// The member for whom an actor acts in the commons.
///
/// # Errors
/// That it is no member's id.
pub(super) fn principal_grant(member: &str) -> Result<Text, String> {
    granted(format!("commons-for:{member}"))
}

/// A file that may be read.
///
/// # Errors
/// What is wrong with its path.
pub(super) fn file_grant(name: &Hash, path: &str) -> Result<Text, String> {
    let longest = Text::MAX_LENGTH - format!("file:{name}:").len();
    let text = Text::new(format!("file:{name}:{path}")).map_err(|_| {
        format!("{path:?} is no path: it has at most {longest} characters of printable ASCII")
    })?;
    granted_together(std::slice::from_ref(&text))?;
    Ok(text)
}

/// Whether grants can be given together; the sandbox has the last word.
///
/// # Errors
/// What is wrong with the first that cannot.
pub(super) fn granted_together(grants: &[Text]) -> Result<(), String> {
    Grants::parse(grants).map(drop).map_err(|error| error.to_string())
}

/// A grant as genesis has it; what the sandbox makes of it has the last word.
fn granted(text: String) -> Result<Text, String> {
    let grant = Text::new(text).map_err(|error| error.to_string())?;
    granted_together(std::slice::from_ref(&grant))?;
    Ok(grant)
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), String> {
    // The colons of an address in brackets are its own.
    let end = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let Some(colon) = text[end..].find(':').map(|colon| colon + end) else { return Ok((text, None)) };
    let port = &text[colon + 1..];
    let number = port.parse().ok().filter(|number| *number != 0 && port.bytes().all(|b| b.is_ascii_digit()));
    match number {
        Some(number) => Ok((&text[..colon], Some(number))),
        None if port.contains(':') => {
            Err("put brackets around an IPv6 address, as in [2001:db8::1]".to_owned())
        }
        None => Err(format!("`{port}` is not a port: expected 1 to 65535")),
    }
}

fn address(name: &str) -> Option<IpAddr> {
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(inner) => Some(IpAddr::V6(inner.parse().ok()?).to_canonical()),
        None => name.parse().ok().filter(IpAddr::is_ipv4),
    }
}

fn check_name(name: &str, private: bool) -> Result<(), String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !name.is_ascii() {
        return Err("write a name with other letters in its ASCII form, which begins with xn--".to_owned());
    }
    if name.is_empty() || name.len() > 253 || !name.split('.').all(label) {
        return Err(format!("`{name}` is not the name of a host"));
    }
    // Some resolvers take 127.1, 0x7f.1 and 2130706433 for addresses.
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") {
        return Err(format!("`{name}` is neither a name nor a whole address"));
    }
    if !private && (!name.contains('.') || last == "localhost") {
        return Err(format!(
            "`{name}` is a name of this machine's own network; write private:{name}:PORT to allow it"
        ));
    }
    Ok(())
}

/// Whether the internet does not route an address.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || matches!((a, b, c), (0 | 240..=255, ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18..=19, _))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only 2000::/3 is routed; and of it neither protocols' own, nor documentation, nor IPv4 in disguise (6to4).
    let is_global = (0x2000..=0x3fff).contains(&a);
    !is_global || matches!((a, b), (0x2001, 0..=0x1ff | 0xdb8) | (0x2002, _) | (0x3fff, 0..=0xfff))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Result<String, String> {
        http_grant(text).map(|text| text.to_string())
    }

    #[test]
    fn a_grant_has_one_spelling() {
        for (text, expect) in [
            ("API.Example.org", "http:api.example.org"),
            ("*.example.net", "http:*.example.net"),
            ("api.example.org:8443", "http:api.example.org:8443"),
            ("api.example.org:0443", "http:api.example.org:443"),
            ("private:127.0.0.1:9000", "private:127.0.0.1:9000"),
            ("private:db:5432", "private:db:5432"),
            ("[2606:4700:0::1111]:443", "http:[2606:4700::1111]:443"),
            ("private:[0:0::1]:80", "private:[::1]:80"),
            ("private:[::ffff:10.0.0.1]:80", "private:10.0.0.1:80"),
            ("1.1.1.1", "http:1.1.1.1"),
        ] {
            assert_eq!(grant(text).as_deref(), Ok(expect));
        }
    }

    #[test]
    fn a_grant_is_read_as_a_chain_has_it() {
        for (text, expect) in [
            ("http:API.example.org", "http:api.example.org"),
            ("private:127.0.0.1:9000", "private:127.0.0.1:9000"),
            ("env:MODE=a=b", "env:MODE=a=b"),
            ("env:EMPTY=", "env:EMPTY="),
            ("args:[\"words\", \"ü\"]", "args:[\"words\",\"\\u00fc\"]"),
            ("commons:mana-read", "commons:mana-read"),
        ] {
            assert_eq!(super::grant(text).map(|text| text.to_string()).as_deref(), Ok(expect));
        }
        for (text, reason) in [
            ("api.example.org", "expected http:HOST"),
            ("https:api.example.org", "expected http:HOST"),
            ("http://api.example.org", "expected http:HOST"),
            ("env:MODE", "expected env:NAME=VALUE"),
            ("env:=x", "not empty"),
            ("args:words", "a JSON array"),
            ("file:abc:/a", "by a manifest"),
        ] {
            let error = super::grant(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_the_reason() {
        for (text, reason) in [
            ("https://api.example.org", "without a scheme"),
            ("api.example.org/v1", "without a scheme or a path"),
            ("", "not the name of a host"),
            ("*", "not the name"),
            ("*.*.example.org", "not the name"),
            ("a.*.org", "not the name"),
            ("api..org", "not the name"),
            ("-a.org", "not the name"),
            ("user@example.org", "not the name"),
            ("example.org.", "not the name"),
            ("bücher.example", "xn--"),
            ("example.org:0", "1 to 65535"),
            ("example.org:+80", "1 to 65535"),
            ("example.org:65536", "1 to 65535"),
            ("2606:4700::1111", "brackets"),
            ("*.1.1.1.1", "no names below"),
            ("private:db", "has a port: private:db:PORT"),
            ("private:*.db:80", "named in full"),
        ] {
            let error = grant(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn an_address_is_private_unless_the_internet_routes_it() {
        for address in ["1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(!is_private(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(is_private(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_private_address_is_only_granted_as_such() {
        for text in [
            "127.0.0.1:1",
            "10.1.2.3:80",
            "169.254.169.254:80",
            "[::1]:9",
            "[fd00::1]:9",
            "[::ffff:127.0.0.1]:9",
        ] {
            assert!(grant(text).unwrap_err().contains("private:"), "{text}");
            assert!(grant(&format!("private:{text}")).is_ok(), "{text}");
        }
        for text in ["localhost", "db:5432", "a.localhost"] {
            assert!(grant(text).unwrap_err().contains("private:"), "{text}");
        }
        for text in ["127.1", "private:0x7f.1", "2130706433", "private:1.2.3.0x4"] {
            assert!(grant(text).unwrap_err().contains("neither a name nor"), "{text}");
        }
    }
}
