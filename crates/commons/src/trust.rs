//! Trust: how far one member lets another in, in a context.
//!
//! A level comes from the first of these that has something to say: what the one granted to the other themselves (which may
//! be `none`); the federations that both are in; bridges between a federation of the one and one of the other; and, a step lower,
//! the same of the context `general`. No rule means no. Inheritance never raises a level.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::canonical::Id;
use crate::members::Member;
use crate::state::{Record, State};

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Not at all.
    None,
    /// A little.
    Basic,
    /// In most things.
    Partial,
    /// In all.
    Full,
}

impl Level {
    /// Every level, from the lowest.
    pub const ALL: [Self; 4] = [Self::None, Self::Basic, Self::Partial, Self::Full];

    /// The level as written.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Partial => "partial",
            Self::Full => "full",
        }
    }

    fn step_lower(self) -> Self {
        match self {
            Self::None | Self::Basic => Self::None,
            Self::Partial => Self::Basic,
            Self::Full => Self::Partial,
        }
    }
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Context {
    /// What has no context of its own.
    General,
    /// Voting and delegating.
    Governance,
    /// Running each other's jobs.
    ResourceSharing,
    /// Running nodes.
    Infrastructure,
    /// Giving data away.
    DataSharing,
}

impl Context {
    /// Every context.
    pub const ALL: [Self; 5] =
        [Self::General, Self::Governance, Self::ResourceSharing, Self::Infrastructure, Self::DataSharing];

    /// The context as written.
    pub fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Governance => "governance",
            Self::ResourceSharing => "resource-sharing",
            Self::Infrastructure => "infrastructure",
            Self::DataSharing => "data-sharing",
        }
    }
}

/// A text is no level, or no context.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {0}")]
pub struct NotNamed(String);

impl FromStr for Level {
    type Err = NotNamed;

    fn from_str(text: &str) -> Result<Self, NotNamed> {
        named(&Self::ALL, Self::name, text)
    }
}

impl FromStr for Context {
    type Err = NotNamed;

    fn from_str(text: &str) -> Result<Self, NotNamed> {
        named(&Self::ALL, Self::name, text)
    }
}

fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, NotNamed> {
    let names = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    all.iter().copied().find(|one| name(*one) == text).ok_or_else(|| NotNamed(names()))
}

/// What a job asks of whoever runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The context.
    pub context: Context,
    /// The least level.
    pub level: Level,
}

#[derive(Serialize, Deserialize)]
struct Granted {
    level: Level,
}

impl Record for Granted {
    const SECTION: &'static str = "trust";
}

#[derive(Serialize, Deserialize)]
struct Federation {
    level: Level,
}

impl Record for Federation {
    const SECTION: &'static str = "federation";
}

#[derive(Serialize, Deserialize)]
struct Bridge {
    level: Level,
}

impl Record for Bridge {
    const SECTION: &'static str = "bridge";
}

/// How far one member trusts another in a context.
pub fn level(state: &State, context: Context, from: Id, to: Id) -> Level {
    said(state, context, from, to).unwrap_or_else(|| match context {
        Context::General => Level::None,
        _ => said(state, Context::General, from, to).unwrap_or(Level::None).step_lower(),
    })
}

/// What the rules of this context alone say, if any does.
fn said(state: &State, context: Context, from: Id, to: Id) -> Option<Level> {
    let context = context.name();
    if let Some(Granted { level }) = state.get(format!("{context}-{from}-{to}")) {
        return Some(level);
    }
    let federations = |id| state.get::<Member>(id).map(|member| member.federations).unwrap_or_default();
    let (ours, theirs) = (federations(from), federations(to));
    let inside =
        |federation: &String| state.get(format!("{context}-{federation}")).map(|Federation { level }| level);
    let shared = ours.iter().filter(|federation| theirs.contains(federation)).filter_map(inside).max();
    let across = |ours: &String, theirs: &String| {
        let bridge = state.get(format!("{context}-{ours}-{theirs}")).map(|Bridge { level }| level)?;
        Some(bridge.min(inside(ours)?).min(inside(theirs)?))
    };
    let bridged = || ours.iter().flat_map(|a| theirs.iter().filter_map(move |b| across(a, b))).max();
    shared.or_else(bridged)
}

/// Says how far a member trusts another.
pub(crate) fn grant(state: &mut State, context: Context, (from, to): (Id, Id), level: Level) {
    state.put(format!("{}-{from}-{to}", context.name()), &Granted { level });
}

/// Says how far the members of a federation trust each other.
pub(crate) fn set_federation(state: &mut State, context: Context, federation: &str, level: Level) {
    state.put(format!("{}-{federation}", context.name()), &Federation { level });
}

/// Says how far members of one federation trust those of another; no farther than within each.
pub(crate) fn set_bridge(state: &mut State, context: Context, (from, to): (&str, &str), level: Level) {
    state.put(format!("{}-{from}-{to}", context.name()), &Bridge { level });
}
