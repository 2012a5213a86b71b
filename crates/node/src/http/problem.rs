//! Every error that a client can get, mapped to a status and a stable code. The one place where that is decided.

use axum::body::Body;
use axum::http::{Method, Response, Uri, header};
use axum::response::IntoResponse;
use troupe_api::{ErrorCode, FieldProblem, Problem};
use troupe_runtime::{OpenError, SendError};
use troupe_store::{CommitError, StoreError};

use super::signed;
use crate::access::{Denied, TooMany};
use crate::commons::NotPermitted;
use crate::dag::DagError;
use crate::host::SetupError;

/// An error on its way to the client.
#[derive(Debug)]
pub(super) struct Refusal {
    // Refusals travel by value through every handler.
    problem: Box<Problem>,
    /// Seconds to wait, for `Retry-After`.
    retry_after: Option<u64>,
    /// For `WWW-Authenticate`.
    challenge: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let title = title(code).to_owned();
        let (status, detail) = (code.status(), detail.into());
        let problem = Problem {
            code,
            status,
            title,
            detail,
            hash: None,
            seq: None,
            error: None,
            at: None,
            fields: Vec::new(),
        };
        let again =
            matches!(code, ErrorCode::Busy | ErrorCode::Halted | ErrorCode::Paused | ErrorCode::TooMany);
        Self { problem: Box::new(problem), retry_after: again.then_some(1), challenge: None }
    }

    /// Says what of a message is wrong.
    pub(super) fn with_fields(mut self, fields: Vec<FieldProblem>) -> Self {
        self.problem.fields = fields;
        self
    }

    /// Says the actor's own code for what went wrong.
    pub(super) fn with_error(mut self, error: Option<String>) -> Self {
        self.problem.error = error;
        self
    }

    /// Says when what was asked for was redacted.
    pub(super) fn with_at(mut self, at: u64) -> Self {
        self.problem.at = Some(at);
        self
    }

    /// What the client gets to read.
    pub(super) fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::Unknown(_) => ErrorCode::Unauthorized,
            Denied::Forbidden(_) => ErrorCode::Forbidden,
        };
        Self { challenge: denied.challenge(), ..Self::new(code, denied.to_string()) }
    }
}

impl From<TooMany> for Refusal {
    fn from(too_many: TooMany) -> Self {
        let refusal = Self::new(ErrorCode::TooManyRequests, too_many.to_string());
        Self { retry_after: Some(too_many.retry_after), ..refusal }
    }
}

/// What a full disk is told as.
const NO_ROOM: &str = "nothing was written: free some space and try again";

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error.is_full() {
            true => Self::new(ErrorCode::StoreFull, NO_ROOM),
            false => Self::new(ErrorCode::Internal, format!("the store failed: {error}")),
        }
    }
}

impl From<DagError> for Refusal {
    fn from(error: DagError) -> Self {
        let code = match error {
            DagError::TooLarge => ErrorCode::TooLarge,
            DagError::Full => ErrorCode::StoreFull,
            DagError::Commit(CommitError::Full(_)) => return Self::new(ErrorCode::StoreFull, NO_ROOM),
            DagError::Store(error) => return error.into(),
            DagError::Commit(_) => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        Self::new(ErrorCode::Internal, error.to_string())
    }
}

impl From<NotPermitted> for Refusal {
    fn from(error: NotPermitted) -> Self {
        match error {
            NotPermitted::Unknown(error) => error.into(),
            error => Self::new(ErrorCode::Forbidden, error.to_string()),
        }
    }
}

impl From<SetupError> for Refusal {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Load(_)
            | SetupError::Limit(_)
            | SetupError::Grant(_)
            | SetupError::Files(_)
            | SetupError::NoComponent(_) => Self::new(ErrorCode::CannotBegin, error.to_string()),
            SetupError::Begin(error) => error.into(),
            SetupError::Store(error) => error.into(),
            error => Self::new(ErrorCode::Internal, error.to_string()),
        }
    }
}

impl From<SendError> for Refusal {
    fn from(error: SendError) -> Self {
        if let SendError::Redacted(redaction) = &error {
            return super::redactions::refusal(redaction);
        }
        let code = match &error {
            SendError::TooLarge { .. } => ErrorCode::TooLarge,
            SendError::Rejected(_) => ErrorCode::Rejected,
            SendError::Failed { .. } => ErrorCode::Failed,
            SendError::Busy(_) => ErrorCode::Busy,
            SendError::OutOfTime(_) => ErrorCode::OutOfTime,
            SendError::StoreFull(_) => ErrorCode::StoreFull,
            SendError::OutcomeUnknown(_) => ErrorCode::OutcomeUnknown,
            SendError::Halted(_) | SendError::Stopped => ErrorCode::Halted,
            SendError::Host(_) | SendError::Redacted(_) => ErrorCode::Internal,
            SendError::Ended { .. } => ErrorCode::Ended,
            SendError::Paused => ErrorCode::Paused,
            SendError::Unknown => ErrorCode::NotFound,
            SendError::NameTaken(_) => ErrorCode::NameTaken,
            SendError::TooMany(_) => ErrorCode::TooMany,
            SendError::CannotBegin(_) => ErrorCode::CannotBegin,
            SendError::KeyReused { .. } => ErrorCode::KeyReused,
            SendError::NotCarriedOver(_) => ErrorCode::NotCarriedOver,
            SendError::NoSuchSeq { .. } => ErrorCode::NoSuchSeq,
        };
        let mut refusal = match &error {
            // The reason alone: what became of it is in the code.
            SendError::Rejected(rejection) => Self::new(code, rejection.reason.clone()),
            SendError::CannotBegin(why) => Self::new(code, why.clone()),
            SendError::Failed { failed, .. } => Self::new(code, failed.detail.clone()),
            _ => Self::new(code, error.to_string()),
        };
        if let SendError::Failed { failed, hash, seq } = error {
            refusal.problem.hash = Some(hash.to_string());
            refusal.problem.seq = Some(seq);
            refusal.problem.error = Some(failed.code.to_string());
        }
        refusal
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = Response::builder()
            .status(self.problem.status)
            .header(header::CONTENT_TYPE, "application/problem+json");
        if let Some(seconds) = self.retry_after {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        if let Some(challenge) = self.challenge {
            response = response.header(header::WWW_AUTHENTICATE, challenge);
        }
        if matches!(
            self.problem.code,
            ErrorCode::Unsigned | ErrorCode::BadSignature | ErrorCode::StaleSignature
        ) {
            // What is to be signed, and how (RFC 9421, 5.1).
            response = response.header("accept-signature", signed::ACCEPTED);
        }
        if self.problem.code == ErrorCode::NotASocket {
            response = response.header(header::UPGRADE, "websocket");
        }
        if self.problem.code == ErrorCode::SlowBody {
            // Whatever still comes of the body is not waited for.
            response = response.header(header::CONNECTION, "close");
        }
        response.body(Body::from(body)).unwrap_or_default()
    }
}

fn title(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NotAnObject => "the body is not a JSON object",
        ErrorCode::BadQuery => "the query cannot be used",
        ErrorCode::BadBody => "the body cannot be used",
        ErrorCode::SlowBody => "the body took too long",
        ErrorCode::NotFound => "not found",
        ErrorCode::MethodNotAllowed => "method not allowed",
        ErrorCode::TooLarge => "the message is too large",
        ErrorCode::Rejected => "the message contract says no",
        ErrorCode::Failed => "the actor failed",
        ErrorCode::Internal => "the node failed",
        ErrorCode::OutcomeUnknown => "it is not known whether the message was recorded",
        ErrorCode::Busy => "busy",
        ErrorCode::Halted => "the node takes no more messages",
        ErrorCode::OutOfTime => "out of time",
        ErrorCode::StoreFull => "the disk is full",
        ErrorCode::Ended => "the actor has stopped",
        ErrorCode::Erased => "the bytes were erased",
        ErrorCode::Withheld => "the bytes are withheld",
        ErrorCode::CannotRedact => "the payloads cannot be taken back",
        ErrorCode::Paused => "the actor is paused",
        ErrorCode::NameTaken => "the name is taken",
        ErrorCode::TooMany => "the node has too many actors",
        ErrorCode::CannotBegin => "the actor cannot begin",
        ErrorCode::KeyReused => "the key was used with another message",
        ErrorCode::NotCarriedOver => "the state does not fit the new code",
        ErrorCode::NoSuchSeq => "there is no such state",
        ErrorCode::NotSigned => "not signed yet",
        ErrorCode::NotASocket => "a WebSocket is expected",
        ErrorCode::Unauthorized => "a token is needed",
        ErrorCode::Forbidden => "not allowed",
        ErrorCode::Unsigned => "a signature is needed",
        ErrorCode::BadSignature => "the signature does not hold",
        ErrorCode::StaleSignature => "the signature is not good now",
        ErrorCode::Replayed => "the request was sent before",
        ErrorCode::TooManyRequests => "too many requests",
    }
}

pub(super) async fn not_found(uri: Uri) -> Refusal {
    let what = format!("there is nothing at `{}`; `/openapi.json` lists what there is", uri.path());
    Refusal::new(ErrorCode::NotFound, what)
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Refusal {
    Refusal::new(ErrorCode::MethodNotAllowed, format!("`{}` does not take {method}", uri.path()))
}
