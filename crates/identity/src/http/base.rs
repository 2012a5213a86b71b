//! The signature base: the text that is signed, made of a request and the list of what is covered (RFC 9421, 2.5).

/// What of a request can be signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The host, with the port where it is not the scheme's own.
    pub authority: &'a str,
    /// The path, as sent.
    pub path: &'a str,
    /// The query, as sent, without the question mark; `None` if there is none.
    pub query: Option<&'a str>,
    /// Header fields: names and values.
    pub fields: &'a [(&'a str, &'a str)],
}

/// Something that is covered is not in the request, or cannot be covered here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request has no `{0}` that could be signed")]
pub struct Missing(pub String);

/// The text that is signed. `params` is the serialized list of what is covered with its parameters, as it stands in
/// `Signature-Input` after the label.
///
/// # Errors
/// [`Missing`].
pub fn signature_base(request: &Request<'_>, covered: &[String], params: &str) -> Result<String, Missing> {
    let mut base = String::new();
    for component in covered {
        let value = value(request, component).ok_or_else(|| Missing(component.clone()))?;
        base.push_str(&format!("\"{component}\": {value}\n"));
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(params);
    Ok(base)
}

fn value(request: &Request<'_>, component: &str) -> Option<String> {
    Some(match component {
        "@method" => request.method.to_owned(),
        "@authority" => request.authority.to_ascii_lowercase(),
        "@path" if request.path.is_empty() => "/".to_owned(),
        "@path" => request.path.to_owned(),
        "@query" => format!("?{}", request.query.unwrap_or_default()),
        other if other.starts_with('@') => return None,
        field => {
            let values = request.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(field));
            let values: Vec<&str> = values.map(|(_, value)| value.trim_matches([' ', '\t'])).collect();
            // A line break in a value would let it stand for several lines of the base.
            let plain = !values.is_empty() && values.iter().all(|value| !value.contains(['\n', '\r']));
            return plain.then(|| values.join(", "));
        }
    })
}
