//! HTTPS: a certificate and its key from PEM files, and the handshake.
//!
//! Invariant: a pair that could not serve is refused when it is loaded, with the file that is wrong; and a handshake has
//! an end, whatever the client does. Cryptography is ring's.
//!
//! Deliberately absent: certificates of clients, HTTP/2, and new certificates without a new start.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// How long a client may take for the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest file that is read.
const MAX_FILE: u64 = 1 << 20;
/// The most certificates of a chain.
const MAX_CHAIN: usize = 16;

/// Makes a connection an encrypted one, with one certificate for every name.
#[derive(Clone)]
pub struct TlsAcceptor(tokio_rustls::TlsAcceptor);

/// A certificate or key that cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}", path = path.display())]
pub struct TlsError {
    /// The file that is wrong.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

impl TlsAcceptor {
    /// Loads a chain of certificates, the server's own first, and the key of that one.
    ///
    /// # Errors
    /// [`TlsError`] if a file cannot be read or understood, or the key is of another certificate.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = certificates(cert)?;
        let private = provider
            .key_provider
            .load_private_key(private_key(key)?)
            .map_err(|error| wrong(key, format_args!("this key cannot be used: {error}")))?;
        let certified = CertifiedKey::new(chain, private);
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                let cert = cert.display();
                return Err(wrong(
                    key,
                    format_args!("this is not the key of the first certificate in {cert}"),
                ));
            }
            Err(error) => {
                return Err(wrong(cert, format_args!("the first certificate cannot be used: {error}")));
            }
        }
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(cert, format_args!("no version of TLS can be had: {error}")))?;
        let mut config =
            config.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config).into()))
    }

    /// Shakes hands.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.accept_within(HANDSHAKE_TIMEOUT, stream).await
    }

    async fn accept_within(&self, time: Duration, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        tokio::time::timeout(time, self.0.accept(stream)).await.map_err(io::Error::from)?
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor").finish_non_exhaustive()
    }
}

fn wrong(path: &Path, what: impl fmt::Display) -> TlsError {
    TlsError { path: path.to_owned(), what: what.to_string() }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |error: io::Error| wrong(path, format_args!("cannot be read: {error}"));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(wrong(path, format_args!("is larger than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| not_pem(path, &error))?;
    if chain.is_empty() {
        let what = match contains(&bytes, "PRIVATE KEY-----") {
            true => "this is a key; expected a certificate, which begins with -----BEGIN CERTIFICATE-----",
            false => "there is no certificate; expected PEM, which begins with -----BEGIN CERTIFICATE-----",
        };
        return Err(wrong(path, what));
    }
    if chain.len() > MAX_CHAIN {
        return Err(wrong(
            path,
            format_args!("has {} certificates; a chain has at most {MAX_CHAIN}", chain.len()),
        ));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(path)?;
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) if contains(&bytes, "BEGIN ENCRYPTED PRIVATE KEY") => Err(wrong(
            path,
            "the key is encrypted; `openssl pkey -in FILE -out PLAIN` takes the passphrase off",
        )),
        Err(pem::Error::NoItemsFound) if contains(&bytes, "BEGIN CERTIFICATE") => Err(wrong(
            path,
            "this is a certificate; expected its key, which begins with -----BEGIN PRIVATE KEY-----",
        )),
        Err(pem::Error::NoItemsFound) => {
            Err(wrong(path, "there is no key; expected PEM, which begins with -----BEGIN PRIVATE KEY-----"))
        }
        Err(error) => Err(not_pem(path, &error)),
    }
}

/// Says what is wrong, and nothing of what is in the file: it may be half a key.
fn not_pem(path: &Path, error: &pem::Error) -> TlsError {
    let what = match error {
        pem::Error::MissingSectionEnd { .. } => "a section of the PEM has no end",
        pem::Error::IllegalSectionStart { .. } => "a section of the PEM begins with a broken line",
        pem::Error::Base64Decode(_) => "a section of the PEM is not base64",
        _ => "this is not PEM",
    };
    wrong(path, what)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder with two pairs, `a` and `b`.
    fn pairs() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            fs::write(folder.path().join(format!("{name}.crt")), pair.cert.pem()).unwrap();
            fs::write(folder.path().join(format!("{name}.key")), pair.signing_key.serialize_pem()).unwrap();
        }
        folder
    }

    fn load(folder: &tempfile::TempDir, cert: &str, key: &str) -> Result<TlsAcceptor, TlsError> {
        TlsAcceptor::load(&folder.path().join(cert), &folder.path().join(key))
    }

    #[test]
    fn a_certificate_with_its_key_is_loaded() {
        let folder = pairs();
        assert!(load(&folder, "a.crt", "a.key").is_ok());
        let chain = ["a.crt", "b.crt"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
        fs::write(folder.path().join("chain.crt"), chain.concat()).unwrap();
        assert!(load(&folder, "chain.crt", "a.key").is_ok());
    }

    #[test]
    fn what_cannot_serve_is_refused_with_the_file_that_is_wrong() {
        let folder = pairs();
        let key = fs::read_to_string(folder.path().join("a.key")).unwrap();
        let wrap =
            |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        let begin = key.lines().take(2).collect::<Vec<_>>().join("\n");
        let cut = begin.as_bytes().get(..60).unwrap();
        for (file, bytes) in [
            ("text", &b"hello"[..]),
            ("cut", cut),
            ("encrypted", wrap("ENCRYPTED PRIVATE KEY", "AAAA").as_bytes()),
            ("odd.key", wrap("PRIVATE KEY", "AAAA").as_bytes()),
            ("odd.crt", wrap("CERTIFICATE", "AAAA").as_bytes()),
            ("noise", wrap("CERTIFICATE", "!").as_bytes()),
            ("long", &vec![b' '; (1 << 20) + 1]),
            ("many", wrap("CERTIFICATE", "AAAA").repeat(17).as_bytes()),
        ] {
            fs::write(folder.path().join(file), bytes).unwrap();
        }
        for (cert, key, at, what) in [
            ("a.crt", "b.key", "b.key", "not the key of the first certificate in"),
            ("no.crt", "a.key", "no.crt", "cannot be read: No such file"),
            ("a.crt", "no.key", "no.key", "cannot be read: No such file"),
            ("a.key", "a.key", "a.key", "this is a key"),
            ("a.crt", "a.crt", "a.crt", "this is a certificate"),
            ("text", "a.key", "text", "there is no certificate"),
            ("a.crt", "text", "text", "there is no key"),
            ("a.crt", "cut", "cut", "has no end"),
            ("a.crt", "encrypted", "encrypted", "is encrypted"),
            ("a.crt", "odd.key", "odd.key", "this key cannot be used"),
            ("odd.crt", "a.key", "odd.crt", "the first certificate cannot be used"),
            ("noise", "a.key", "noise", "not base64"),
            ("long", "a.key", "long", "is larger than"),
            ("many", "a.key", "many", "has 17 certificates"),
        ] {
            let error = load(&folder, cert, key).unwrap_err();
            assert_eq!(error.path.file_name().unwrap(), at, "{error}");
            assert!(error.what.contains(what), "{error}");
        }
    }

    #[tokio::test]
    async fn a_handshake_that_does_not_come_ends() {
        let acceptor = load(&pairs(), "a.crt", "a.key").unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let error = acceptor.accept_within(Duration::from_millis(20), stream).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
