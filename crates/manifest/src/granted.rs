//! A table `grants`: what an actor may reach and read, and the bytes of the files among it.
//!
//! Invariant: grants come out in ascending order, each in its one spelling, and can be given together.

use troupe_chain::{Files, Hash, Text};
use troupe_component::{MAX_FILE_BYTES, MAX_FILES};

use crate::fault::Fault;
use crate::grant::{
    args_grant, commons_grant, env_grant, file_grant, granted_together, http_grant, principal_grant,
};
use crate::section::{At, Section, bounded};

/// The most hosts that an actor may be granted.
const MAX_GRANTS: usize = 256;

/// What a table `grants` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// The grants in ascending order, as genesis lists them.
    pub grants: Vec<Text>,
    /// The bytes of the files among them.
    pub files: Files,
}

/// Reads `grants`, and the files that it names.
///
/// # Errors
/// A [`Fault`] with its place.
pub fn grants(section: &Section<'_>) -> Result<Granted, Fault> {
    let Some(granted) =
        section.section("grants", &["http", "files", "env", "args", "commons", "commons-for"])?
    else {
        return Ok(Granted::default());
    };
    let mut grants = Vec::new();
    for At { value, span } in granted.texts("http", MAX_GRANTS)? {
        let grant = http_grant(value)
            .map_err(|what| section.source.fault(span.clone(), format_args!("`http`: {what}")))?;
        if grants.contains(&grant) {
            let what = format_args!("`http`: {value:?} is the same as another: {grant}");
            return Err(section.source.fault(span, what));
        }
        grants.push(grant);
    }
    for (name, At { value, span }) in granted.text_table("env", MAX_GRANTS)? {
        let grant = env_grant(name, value)
            .map_err(|what| section.source.fault(span, format_args!("`env.{name}`: {what}")))?;
        grants.push(grant);
    }
    let args: Vec<_> = granted.any_texts("args", MAX_GRANTS)?.into_iter().map(|at| at.value).collect();
    if !args.is_empty() {
        let grant = args_grant(&args)
            .map_err(|what| section.source.fault(granted.key_span("args"), format_args!("`args`: {what}")))?;
        grants.push(grant);
    }
    for At { value, span } in granted.texts("commons", MAX_GRANTS)? {
        let grant = commons_grant(value)
            .map_err(|what| section.source.fault(span.clone(), format_args!("`commons`: {what}")))?;
        grants.push(grant);
    }
    if let Some(At { value, span }) = granted.text("commons-for")? {
        let grant = principal_grant(value)
            .map_err(|what| section.source.fault(span.clone(), format_args!("`commons-for`: {what}")))?;
        grants.push(grant);
    }
    let files = files(&granted, &mut grants)?;
    grants.sort();
    Ok(Granted { grants, files })
}

/// Reads `files`: local files by the paths under which the actor finds them.
fn files(granted: &Section<'_>, grants: &mut Vec<Text>) -> Result<Files, Fault> {
    let (mut files, mut room) = (Files::new(), MAX_FILE_BYTES);
    for (path, At { value, span }) in granted.text_table("files", MAX_FILES)? {
        let fault = |what: String| granted.source.fault(span.clone(), format_args!("`files`: {what}"));
        let local = granted.resolve(value);
        let bytes = bounded(&local, room).map_err(|reason| fault(format!("{} {reason}", local.display())))?;
        room -= bytes.len() as u64;
        let name = Hash::of(&bytes);
        grants.push(file_grant(&name, path).map_err(&fault)?);
        granted_together(grants).map_err(&fault)?;
        files.insert(name, bytes.into());
    }
    Ok(files)
}
