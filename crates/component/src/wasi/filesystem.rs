//! `wasi:filesystem`: one folder, `/`, that holds the granted files and cannot be written to. Nothing outside of it exists.

use std::sync::Arc;

use troupe_chain::Hash;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::Kept;
use super::streams::{Closed, InputStream, MAX_READ, OutputStream};
use super::wasi::filesystem::preopens;
use super::wasi::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use crate::host::Host;
use crate::tree::{Node, Nothing, Tree};

/// A file or a folder, opened: its path from the root.
#[derive(Clone, PartialEq, Eq)]
pub struct Descriptor(String);

impl Kept for Descriptor {
    fn bytes(&self) -> u64 {
        self.0.len() as u64
    }
}

/// A folder that is being told, and how much of it was.
pub struct Listing {
    folder: String,
    told: usize,
}

impl Kept for Listing {
    fn bytes(&self) -> u64 {
        self.folder.len() as u64
    }
}

type Answer<T> = Result<Result<T, ErrorCode>>;

impl From<Nothing> for ErrorCode {
    fn from(nothing: Nothing) -> Self {
        match nothing {
            Nothing::NoEntry => Self::NoEntry,
            Nothing::NotAFolder => Self::NotDirectory,
            Nothing::Outside => Self::NotPermitted,
        }
    }
}

fn kind(node: Node<'_>) -> DescriptorType {
    match node {
        Node::File(_) => DescriptorType::RegularFile,
        Node::Folder => DescriptorType::Directory,
    }
}

/// What tells a file or a folder from others, and from itself with other bytes.
fn metadata_hash(path: &str, node: Node<'_>) -> MetadataHashValue {
    if path.is_empty() {
        return MetadataHashValue { lower: 1, upper: 0 };
    }
    let text = match node {
        Node::File(file) => format!("file:{}:/{path}", file.name()),
        Node::Folder => format!("/{path}/"),
    };
    let hash = Hash::of(text.as_bytes());
    let number = |at: usize| u64::from_le_bytes(hash.as_bytes()[at..at + 8].try_into().unwrap_or_default());
    MetadataHashValue { lower: number(0), upper: number(8) }
}

fn stat(node: Node<'_>) -> DescriptorStat {
    DescriptorStat {
        type_: kind(node),
        link_count: 1,
        size: match node {
            Node::File(file) => file.len(),
            Node::Folder => 0,
        },
        data_access_timestamp: None,
        data_modification_timestamp: None,
        status_change_timestamp: None,
    }
}

impl Host {
    /// What a handle stands for.
    fn opened<T>(
        &self,
        this: &Resource<Descriptor>,
        see: impl FnOnce(&Tree, &str, Node<'_>) -> Result<T, ErrorCode>,
    ) -> Answer<T> {
        let Descriptor(path) = self.kept(this)?;
        let tree = self.grants.files();
        // What was opened stays there.
        Ok(tree.get(path).ok_or(ErrorCode::NoEntry).and_then(|node| see(tree, path, node)))
    }

    /// What is at a path from a handle.
    fn at<T>(
        &self,
        this: &Resource<Descriptor>,
        path: &str,
        see: impl FnOnce(&str, Node<'_>) -> Result<T, ErrorCode>,
    ) -> Answer<T> {
        self.opened(this, |tree, folder, _| {
            let path = tree.resolve(folder, path)?;
            let node = tree.get(&path).ok_or(ErrorCode::NoEntry)?;
            see(&path, node)
        })
    }
}

/// The bytes of a file.
fn contents(node: Node<'_>) -> Result<Arc<[u8]>, ErrorCode> {
    match node {
        Node::File(file) => Ok(file.bytes()),
        Node::Folder => Err(ErrorCode::IsDirectory),
    }
}

impl preopens::Host for Host {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        Ok(vec![(self.keep(Descriptor(String::new()))?, "/".to_owned())])
    }
}

impl types::HostDescriptor for Host {
    fn read_via_stream(&mut self, this: Resource<Descriptor>, offset: u64) -> Answer<Resource<InputStream>> {
        match self.opened(&this, |_, _, node| contents(node))? {
            Ok(bytes) => Ok(Ok(self.keep(InputStream::from(bytes, offset))?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn write_via_stream(&mut self, _: Resource<Descriptor>, _: u64) -> Answer<Resource<OutputStream>> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn append_via_stream(&mut self, _: Resource<Descriptor>) -> Answer<Resource<OutputStream>> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn advise(&mut self, _: Resource<Descriptor>, _: u64, _: u64, _: Advice) -> Answer<()> {
        Ok(Ok(()))
    }

    fn sync_data(&mut self, _: Resource<Descriptor>) -> Answer<()> {
        Ok(Ok(()))
    }

    fn get_flags(&mut self, _: Resource<Descriptor>) -> Answer<DescriptorFlags> {
        Ok(Ok(DescriptorFlags::READ))
    }

    fn get_type(&mut self, this: Resource<Descriptor>) -> Answer<DescriptorType> {
        self.opened(&this, |_, _, node| Ok(kind(node)))
    }

    fn set_size(&mut self, _: Resource<Descriptor>, _: u64) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn set_times(&mut self, _: Resource<Descriptor>, _: NewTimestamp, _: NewTimestamp) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn read(&mut self, this: Resource<Descriptor>, length: u64, offset: u64) -> Answer<(Vec<u8>, bool)> {
        let bytes = self.opened(&this, |_, _, node| contents(node))?;
        Ok(bytes.map(|bytes| {
            let rest =
                usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
            let length = usize::try_from(length.min(MAX_READ)).unwrap_or(rest.len()).min(rest.len());
            (rest[..length].to_vec(), length == rest.len())
        }))
    }

    fn write(&mut self, _: Resource<Descriptor>, _: Vec<u8>, _: u64) -> Answer<u64> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn read_directory(&mut self, this: Resource<Descriptor>) -> Answer<Resource<Listing>> {
        let folder = self.opened(&this, |_, path, node| match node {
            Node::File(_) => Err(ErrorCode::NotDirectory),
            Node::Folder => Ok(path.to_owned()),
        })?;
        match folder {
            Ok(folder) => Ok(Ok(self.keep(Listing { folder, told: 0 })?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn sync(&mut self, _: Resource<Descriptor>) -> Answer<()> {
        Ok(Ok(()))
    }

    fn create_directory_at(&mut self, _: Resource<Descriptor>, _: String) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn stat(&mut self, this: Resource<Descriptor>) -> Answer<DescriptorStat> {
        self.opened(&this, |_, _, node| Ok(stat(node)))
    }

    fn stat_at(&mut self, this: Resource<Descriptor>, _: PathFlags, path: String) -> Answer<DescriptorStat> {
        self.at(&this, &path, |_, node| Ok(stat(node)))
    }

    fn set_times_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: NewTimestamp,
        _: NewTimestamp,
    ) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn link_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn open_at(
        &mut self,
        this: Resource<Descriptor>,
        _: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Answer<Resource<Descriptor>> {
        let changes = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE;
        let writes = DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY;
        if open.contains(OpenFlags::CREATE) || flags & writes != DescriptorFlags::empty() {
            return Ok(Err(ErrorCode::ReadOnly));
        }
        let found = self.at(&this, &path, |path, node| match node {
            _ if open & changes != OpenFlags::empty() => Err(ErrorCode::ReadOnly),
            Node::File(_) if open.contains(OpenFlags::DIRECTORY) => Err(ErrorCode::NotDirectory),
            _ => Ok(Descriptor(path.to_owned())),
        })?;
        match found {
            Ok(descriptor) => Ok(Ok(self.keep(descriptor)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn readlink_at(&mut self, this: Resource<Descriptor>, path: String) -> Answer<String> {
        self.at(&this, &path, |_, _| Err(ErrorCode::Invalid))
    }

    fn remove_directory_at(&mut self, _: Resource<Descriptor>, _: String) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn rename_at(
        &mut self,
        _: Resource<Descriptor>,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn symlink_at(&mut self, _: Resource<Descriptor>, _: String, _: String) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn unlink_file_at(&mut self, _: Resource<Descriptor>, _: String) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn is_same_object(&mut self, this: Resource<Descriptor>, other: Resource<Descriptor>) -> Result<bool> {
        Ok(self.kept(&this)? == self.kept(&other)?)
    }

    fn metadata_hash(&mut self, this: Resource<Descriptor>) -> Answer<MetadataHashValue> {
        self.opened(&this, |_, path, node| Ok(metadata_hash(path, node)))
    }

    fn metadata_hash_at(
        &mut self,
        this: Resource<Descriptor>,
        _: PathFlags,
        path: String,
    ) -> Answer<MetadataHashValue> {
        self.at(&this, &path, |path, node| Ok(metadata_hash(path, node)))
    }

    fn drop(&mut self, this: Resource<Descriptor>) -> Result<()> {
        self.forget(this)
    }
}

impl types::HostDirectoryEntryStream for Host {
    fn read_directory_entry(&mut self, this: Resource<Listing>) -> Answer<Option<DirectoryEntry>> {
        let Listing { folder, told } = self.kept(&this)?;
        let next = self.grants.files().list(folder).into_iter().nth(*told);
        let entry = next.map(|(name, node)| DirectoryEntry { type_: kind(node), name });
        self.kept_mut(&this)?.told += 1;
        Ok(Ok(entry))
    }

    fn drop(&mut self, this: Resource<Listing>) -> Result<()> {
        self.forget(this)
    }
}

impl types::Host for Host {
    fn filesystem_error_code(&mut self, error: Resource<Closed>) -> Result<Option<ErrorCode>> {
        match *self.kept(&error)? {}
    }
}
