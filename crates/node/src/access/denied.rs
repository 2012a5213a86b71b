//! Why a request is not let through.

/// A request that is not let through, and why. The text is for the client: it says nothing that the client did not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody knows who asks: no token, or none that is valid. HTTP 401.
    #[error("{0}")]
    Unknown(String),
    /// Who asks may not do this. HTTP 403.
    #[error("{0}")]
    Forbidden(String),
}

impl Denied {
    pub(super) fn unknown(detail: impl Into<String>) -> Self {
        Self::Unknown(detail.into())
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::Forbidden(detail.into())
    }

    /// The HTTP status: 401 or 403.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown(_) => 401,
            Self::Forbidden(_) => 403,
        }
    }

    /// The header `WWW-Authenticate` that goes with a 401.
    pub fn challenge(&self) -> Option<&'static str> {
        matches!(self, Self::Unknown(_)).then_some("Bearer realm=\"troupe\"")
    }
}
