//! Which certificates say whom one talks to, where the web's own do not.

use std::sync::Arc;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Trusts the certificates of a PEM file, and no others.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn trusting(pem: &[u8]) -> Result<TlsConfig, String> {
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| error.to_string())? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(
            "there is no certificate; expected PEM, which begins with -----BEGIN CERTIFICATE-----".into()
        );
    }
    let roots = RootCerts::Specific(Arc::new(certificates));
    Ok(TlsConfig::builder().root_certs(roots).build())
}
