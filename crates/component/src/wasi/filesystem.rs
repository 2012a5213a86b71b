//! `wasi:filesystem`: one directory, `/`, that is empty and cannot be written to. Nothing outside of it exists.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::Kept;
use super::streams::{Closed, InputStream, OutputStream};
use super::wasi::filesystem::preopens;
use super::wasi::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use crate::host::Host;

/// What the directory has in place of a hash of its metadata.
const METADATA: MetadataHashValue = MetadataHashValue { lower: 1, upper: 0 };

/// The directory, opened.
pub struct Directory;

impl Kept for Directory {}

/// What is in it.
pub struct Listing;

impl Kept for Listing {}

type Answer<T> = Result<Result<T, ErrorCode>>;

/// Whether a path names the directory itself.
fn resolve(path: &str) -> Result<(), ErrorCode> {
    if path.starts_with('/') {
        return Err(ErrorCode::NotPermitted);
    }
    if path.is_empty() {
        return Err(ErrorCode::NoEntry);
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(ErrorCode::NotPermitted),
            _ => return Err(ErrorCode::NoEntry),
        }
    }
    Ok(())
}

fn stat() -> DescriptorStat {
    DescriptorStat {
        type_: DescriptorType::Directory,
        link_count: 1,
        size: 0,
        data_access_timestamp: None,
        data_modification_timestamp: None,
        status_change_timestamp: None,
    }
}

impl preopens::Host for Host {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Directory>, String)>> {
        Ok(vec![(self.keep(Directory)?, "/".to_owned())])
    }
}

impl types::HostDescriptor for Host {
    fn read_via_stream(&mut self, _: Resource<Directory>, _: u64) -> Answer<Resource<InputStream>> {
        Ok(Err(ErrorCode::IsDirectory))
    }

    fn write_via_stream(&mut self, _: Resource<Directory>, _: u64) -> Answer<Resource<OutputStream>> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn append_via_stream(&mut self, _: Resource<Directory>) -> Answer<Resource<OutputStream>> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn advise(&mut self, _: Resource<Directory>, _: u64, _: u64, _: Advice) -> Answer<()> {
        Ok(Ok(()))
    }

    fn sync_data(&mut self, _: Resource<Directory>) -> Answer<()> {
        Ok(Ok(()))
    }

    fn get_flags(&mut self, _: Resource<Directory>) -> Answer<DescriptorFlags> {
        Ok(Ok(DescriptorFlags::READ))
    }

    fn get_type(&mut self, _: Resource<Directory>) -> Answer<DescriptorType> {
        Ok(Ok(DescriptorType::Directory))
    }

    fn set_size(&mut self, _: Resource<Directory>, _: u64) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn set_times(&mut self, _: Resource<Directory>, _: NewTimestamp, _: NewTimestamp) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn read(&mut self, _: Resource<Directory>, _: u64, _: u64) -> Answer<(Vec<u8>, bool)> {
        Ok(Err(ErrorCode::IsDirectory))
    }

    fn write(&mut self, _: Resource<Directory>, _: Vec<u8>, _: u64) -> Answer<u64> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn read_directory(&mut self, _: Resource<Directory>) -> Answer<Resource<Listing>> {
        Ok(Ok(self.keep(Listing)?))
    }

    fn sync(&mut self, _: Resource<Directory>) -> Answer<()> {
        Ok(Ok(()))
    }

    fn create_directory_at(&mut self, _: Resource<Directory>, _: String) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn stat(&mut self, _: Resource<Directory>) -> Answer<DescriptorStat> {
        Ok(Ok(stat()))
    }

    fn stat_at(&mut self, _: Resource<Directory>, _: PathFlags, path: String) -> Answer<DescriptorStat> {
        Ok(resolve(&path).map(|()| stat()))
    }

    fn set_times_at(
        &mut self,
        _: Resource<Directory>,
        _: PathFlags,
        _: String,
        _: NewTimestamp,
        _: NewTimestamp,
    ) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn link_at(
        &mut self,
        _: Resource<Directory>,
        _: PathFlags,
        _: String,
        _: Resource<Directory>,
        _: String,
    ) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn open_at(
        &mut self,
        _: Resource<Directory>,
        _: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Answer<Resource<Directory>> {
        let changes = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE;
        let writes = DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY;
        if open.contains(OpenFlags::CREATE) || flags & writes != DescriptorFlags::empty() {
            return Ok(Err(ErrorCode::ReadOnly));
        }
        match resolve(&path) {
            Err(error) => Ok(Err(error)),
            Ok(()) if open & changes != OpenFlags::empty() => Ok(Err(ErrorCode::ReadOnly)),
            Ok(()) => Ok(Ok(self.keep(Directory)?)),
        }
    }

    fn readlink_at(&mut self, _: Resource<Directory>, path: String) -> Answer<String> {
        Ok(Err(resolve(&path).err().unwrap_or(ErrorCode::Invalid)))
    }

    fn remove_directory_at(&mut self, _: Resource<Directory>, _: String) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn rename_at(
        &mut self,
        _: Resource<Directory>,
        _: String,
        _: Resource<Directory>,
        _: String,
    ) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn symlink_at(&mut self, _: Resource<Directory>, _: String, _: String) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn unlink_file_at(&mut self, _: Resource<Directory>, _: String) -> Answer<()> {
        Ok(Err(ErrorCode::ReadOnly))
    }

    fn is_same_object(&mut self, _: Resource<Directory>, _: Resource<Directory>) -> Result<bool> {
        Ok(true)
    }

    fn metadata_hash(&mut self, _: Resource<Directory>) -> Answer<MetadataHashValue> {
        Ok(Ok(METADATA))
    }

    fn metadata_hash_at(
        &mut self,
        _: Resource<Directory>,
        _: PathFlags,
        path: String,
    ) -> Answer<MetadataHashValue> {
        Ok(resolve(&path).map(|()| METADATA))
    }

    fn drop(&mut self, this: Resource<Directory>) -> Result<()> {
        self.forget(this)
    }
}

impl types::HostDirectoryEntryStream for Host {
    fn read_directory_entry(&mut self, _: Resource<Listing>) -> Answer<Option<DirectoryEntry>> {
        Ok(Ok(None))
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
