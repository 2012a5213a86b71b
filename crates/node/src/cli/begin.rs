//! What an actor is to be begun with: a component or a manifest, and what the command line says beside it.
//!
//! Invariant: an argument beats the file. Deliberately absent: loading the component, which is for whoever runs it.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use troupe::host::{ComponentSource, Start};
use troupe::manifest::{ComponentRef, Manifest, Name, grant};
use troupe_chain::{Files, Hash, OnFailure, Supervision, Text};

use super::failure::Failure;
use super::parse;

/// What an actor is begun with, beside its component.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct BeginArgs {
    /// Its name on the node: a-z, 0-9, -, _ and .
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub(super) name: Option<Name>,
    /// Configuration for the actor's init, when it begins
    #[arg(long, value_name = "JSON|@FILE")]
    pub(super) config: Option<String>,
    /// Any limit by name; `troupe check` lists them. They are fixed when the actor begins
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse::limit, help_heading = "Limits")]
    pub(super) limit: Vec<(String, u64)>,
    /// What the actor may reach or is told: http:HOST, http:*.HOST, http:HOST:PORT, private:HOST:PORT, env:NAME=VALUE,
    /// args:["NAME",…]; files are granted by a manifest
    #[arg(long, value_name = "GRANT", value_parser = grant)]
    pub(super) grant: Vec<Text>,
    /// What is done when it fails: go-on, pause, restart, restore, stop or escalate
    #[arg(long, value_name = "POLICY", value_parser = on_failure)]
    pub(super) on_failure: Option<OnFailure>,
}

/// What an actor is to be begun with.
pub(super) struct Begin {
    pub(super) component: ComponentSource,
    pub(super) config: Option<Bytes>,
    pub(super) limits: Vec<(String, u64)>,
    pub(super) grants: Vec<Text>,
    /// The bytes of the files among them.
    pub(super) files: Files,
    pub(super) name: Option<Name>,
    pub(super) supervision: Supervision,
    /// The component as a person reads it.
    pub(super) shown: String,
    /// The file's name without its end.
    pub(super) stem: Option<String>,
}

fn parse_name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

fn on_failure(text: &str) -> Result<OnFailure, String> {
    OnFailure::parse(text).ok_or_else(|| {
        let names: Vec<_> = OnFailure::ALL.iter().map(|one| one.as_str()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// Whether the argument is a manifest rather than a component.
pub(super) fn is_manifest(component: &str) -> bool {
    Path::new(component).extension().is_some_and(|extension| extension == "toml")
}

/// Reads a component or a manifest: a file, or the name of a component that the node has.
pub(super) fn read(component: &str, args: &BeginArgs) -> Result<Begin, Failure> {
    let mut begin = if is_manifest(component) {
        from_manifest(&Manifest::load(component).map_err(Failure::cannot)?)?
    } else if let Some(name) = Hash::from_hex(component.as_bytes()).filter(|_| !Path::new(component).exists())
    {
        Begin::of(ComponentSource::Stored(name), component.to_owned(), None)
    } else {
        from_file(Path::new(component))?
    };
    if let Some(config) = &args.config {
        let config = parse::payload(config)?;
        parse::check_json(&config, "the configuration")?;
        begin.config = Some(config.into());
    }
    for (name, value) in &args.limit {
        begin.limits.retain(|(known, _)| known != name);
        begin.limits.push((name.clone(), *value));
    }
    begin.grants.extend(args.grant.iter().cloned());
    begin.grants.sort();
    begin.grants.dedup();
    begin.name = args.name.clone().or(begin.name);
    begin.supervision.on_failure = args.on_failure.unwrap_or(begin.supervision.on_failure);
    Ok(begin)
}

/// Takes over what a manifest says, and reads its component.
pub(super) fn from_manifest(manifest: &Manifest) -> Result<Begin, Failure> {
    let begin = match &manifest.component {
        ComponentRef::Path(path) => from_file(path)?,
        ComponentRef::Hash(name) => Begin::of(ComponentSource::Stored(*name), name.to_string(), None),
    };
    Ok(Begin {
        config: manifest.config.clone(),
        limits: manifest.limits.clone(),
        grants: manifest.grants.clone(),
        files: manifest.files.clone(),
        name: manifest.name.clone(),
        supervision: manifest.supervision,
        ..begin
    })
}

fn from_file(path: &Path) -> Result<Begin, Failure> {
    let bytes = parse::file(path)?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(Begin::of(ComponentSource::Bytes(bytes.into()), path.display().to_string(), stem))
}

impl Begin {
    fn of(component: ComponentSource, shown: String, stem: Option<String>) -> Self {
        let supervision = Supervision::default();
        let (config, limits, grants, files, name) = (None, Vec::new(), Vec::new(), Files::new(), None);
        Self { component, config, limits, grants, files, name, supervision, shown, stem }
    }

    /// The component's name.
    pub(super) fn hash(&self) -> Hash {
        match &self.component {
            ComponentSource::Bytes(bytes) => Hash::of(bytes),
            ComponentSource::Stored(name) => *name,
        }
    }

    /// Its name as the node takes it.
    pub(super) fn text(&self) -> Option<Text> {
        // Every name is a text.
        self.name.as_ref().and_then(|name| Text::new(name.as_str()).ok())
    }

    /// As the node begins it.
    pub(super) fn start(self) -> Start {
        let name = self.text();
        let Self { component, config, limits, grants, files, supervision, .. } = self;
        Start { component, config, limits, grants, files, name, governed: false, supervision }
    }

    /// The folder that `run` keeps the actor in unless it is told otherwise.
    pub(super) fn default_store(&self) -> PathBuf {
        let stem = self.name.as_ref().map(Name::as_str).or(self.stem.as_deref()).unwrap_or("actor");
        PathBuf::from(format!("{stem}.store"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_as_the_chain_has_it() {
        assert_eq!(grant("http:API.example.org").unwrap().as_str(), "http:api.example.org");
        assert_eq!(grant("private:127.0.0.1:80").unwrap().as_str(), "private:127.0.0.1:80");
        for bad in ["http://a.example", "a.example", "http:127.0.0.1", "private:db", "file:x"] {
            assert!(grant(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_policy_that_is_not_known_lists_those_there_are() {
        assert_eq!(on_failure("restart"), Ok(OnFailure::Restart));
        assert!(on_failure("again").unwrap_err().contains("restore"));
    }
}
