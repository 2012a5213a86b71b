//! `wasi:filesystem`: one directory that holds what is granted, nothing if nothing is, and stays as it is.

use troupe_chain::{Files, Hash, Text};
use wasmtime::component::Resource;

use super::{StreamError, host, host_of, lend};
use crate::host::Host;
use crate::wasi::filesystem::Descriptor;
use crate::wasi::streams::InputStream;
use crate::wasi::wasi::filesystem::preopens::Host as _;
use crate::wasi::wasi::filesystem::types::{self as fs, HostDescriptor as _, HostDirectoryEntryStream as _};
use crate::wasi::wasi::io::streams;
use crate::{Grants, Limits};

#[test]
fn there_is_one_empty_directory_that_cannot_be_written_to() {
    use fs::{DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags};
    let mut host = host();
    let [(root, name)] = host.get_directories().unwrap().try_into().ok().unwrap();
    assert_eq!(name, "/");
    let none = PathFlags::empty();
    let (path, open, read) = (|path: &str| path.to_owned(), OpenFlags::empty(), DescriptorFlags::READ);
    let stat = host.stat(lend(&root)).unwrap().unwrap();
    assert!(matches!(stat.type_, DescriptorType::Directory) && (stat.link_count, stat.size) == (1, 0));
    assert!(stat.data_modification_timestamp.is_none());
    assert_eq!(host.get_type(lend(&root)).unwrap().unwrap(), DescriptorType::Directory);
    assert_eq!(host.get_flags(lend(&root)).unwrap().unwrap(), DescriptorFlags::READ);
    assert!(host.stat_at(lend(&root), none, path("./.")).unwrap().is_ok());
    for (name, error) in [
        ("", ErrorCode::NoEntry),
        ("a", ErrorCode::NoEntry),
        ("./a/b", ErrorCode::NoEntry),
        ("/", ErrorCode::NotPermitted),
        ("..", ErrorCode::NotPermitted),
    ] {
        assert_eq!(host.stat_at(lend(&root), none, path(name)).unwrap().err(), Some(error), "{name:?}");
        let opened = host.open_at(lend(&root), none, path(name), open, read).unwrap();
        assert_eq!(opened.err(), Some(error), "{name:?}");
        let hash = host.metadata_hash_at(lend(&root), none, path(name)).unwrap();
        assert_eq!(hash.err(), Some(error), "{name:?}");
        assert_eq!(host.readlink_at(lend(&root), path(name)).unwrap().err(), Some(error), "{name:?}");
    }
    assert_eq!(host.readlink_at(lend(&root), path(".")).unwrap().err(), Some(ErrorCode::Invalid));
    let again = host.open_at(lend(&root), none, path("."), OpenFlags::DIRECTORY, read).unwrap().unwrap();
    assert!(host.is_same_object(lend(&root), lend(&again)).unwrap());
    assert_eq!(host.metadata_hash(lend(&again)).unwrap().unwrap().lower, 1);
    let listing = host.read_directory(lend(&root)).unwrap().unwrap();
    assert!(host.read_directory_entry(lend(&listing)).unwrap().unwrap().is_none());
    assert_eq!(host.read(lend(&root), 1, 0).unwrap().err(), Some(ErrorCode::IsDirectory));
    assert!(matches!(host.read_via_stream(lend(&root), 0).unwrap(), Err(ErrorCode::IsDirectory)));
    assert!(host.advise(lend(&root), 0, 1, fs::Advice::Normal).unwrap().is_ok());
    assert!(host.sync(lend(&root)).unwrap().is_ok() && host.sync_data(lend(&root)).unwrap().is_ok());
}

#[test]
fn every_write_to_the_directory_says_read_only() {
    use fs::{DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags};
    let mut host = host();
    let [(root, _)] = host.get_directories().unwrap().try_into().ok().unwrap();
    let none = PathFlags::empty();
    let path = || "a".to_owned();
    let now = || NewTimestamp::Now;
    let mut errors = vec![
        host.write_via_stream(lend(&root), 0).unwrap().err(),
        host.append_via_stream(lend(&root)).unwrap().err(),
        host.set_size(lend(&root), 0).unwrap().err(),
        host.set_times(lend(&root), now(), now()).unwrap().err(),
        host.write(lend(&root), vec![1], 0).unwrap().err(),
        host.create_directory_at(lend(&root), path()).unwrap().err(),
        host.set_times_at(lend(&root), none, path(), now(), now()).unwrap().err(),
        host.link_at(lend(&root), none, path(), lend(&root), path()).unwrap().err(),
        host.remove_directory_at(lend(&root), path()).unwrap().err(),
        host.rename_at(lend(&root), path(), lend(&root), path()).unwrap().err(),
        host.symlink_at(lend(&root), path(), path()).unwrap().err(),
        host.unlink_file_at(lend(&root), path()).unwrap().err(),
    ];
    for (name, open, flags) in [
        ("a", OpenFlags::CREATE, DescriptorFlags::READ),
        ("a", OpenFlags::empty(), DescriptorFlags::WRITE),
        (".", OpenFlags::TRUNCATE, DescriptorFlags::READ),
        (".", OpenFlags::empty(), DescriptorFlags::MUTATE_DIRECTORY),
    ] {
        errors.push(host.open_at(lend(&root), none, name.to_owned(), open, flags).unwrap().err());
    }
    assert!(errors.iter().all(|error| *error == Some(ErrorCode::ReadOnly)), "{errors:?}");
}

/// 70,000 bytes, more than one read gives.
fn long() -> Vec<u8> {
    (0..70_000).map(|n| (n % 251) as u8).collect()
}

/// A host with `/a.txt`, `/data/empty` and `/data/deep/long`, and its root.
fn host_with_files() -> (Host, Resource<Descriptor>) {
    let files = [("/a.txt", b"hello".to_vec()), ("/data/empty", Vec::new()), ("/data/deep/long", long())];
    let grant = |(path, bytes): &(&str, Vec<u8>)| format!("file:{}:{path}", Hash::of(bytes));
    let grants: Vec<_> = files.iter().map(|file| Text::new(grant(file)).unwrap()).collect();
    let bytes: Files = files.into_iter().map(|(_, bytes)| (Hash::of(&bytes), bytes.into())).collect();
    let grants = Grants::parse(&grants).unwrap().with_files(&bytes).unwrap();
    let mut host = host_of(&Limits::default(), &grants);
    let [(root, name)] = host.get_directories().unwrap().try_into().ok().unwrap();
    assert_eq!(name, "/");
    (host, root)
}

fn open(
    host: &mut Host,
    from: &Resource<Descriptor>,
    path: &str,
) -> Result<Resource<Descriptor>, fs::ErrorCode> {
    let (follow, read) = (fs::PathFlags::SYMLINK_FOLLOW, fs::DescriptorFlags::READ);
    host.open_at(lend(from), follow, path.to_owned(), fs::OpenFlags::empty(), read).unwrap()
}

#[test]
fn a_granted_file_is_read_at_any_place() {
    let (mut host, root) = host_with_files();
    let file = open(&mut host, &root, "a.txt").unwrap();
    let mut read = |length, offset| host.read(lend(&file), length, offset).unwrap().unwrap();
    assert_eq!(read(100, 0), (b"hello".to_vec(), true));
    assert_eq!(read(3, 0), (b"hel".to_vec(), false));
    assert_eq!(read(3, 2), (b"llo".to_vec(), true));
    assert_eq!(read(0, 0), (Vec::new(), false));
    assert_eq!(read(1, 5), (Vec::new(), true));
    assert_eq!(read(u64::MAX, u64::MAX), (Vec::new(), true));
    let long_file = open(&mut host, &root, "data/deep/long").unwrap();
    let (first, end) = host.read(lend(&long_file), 70_000, 0).unwrap().unwrap();
    assert!((first == long()[..65_536]) && !end, "a read gives at most 64 KiB");
    let (rest, end) = host.read(lend(&long_file), 70_000, 65_536).unwrap().unwrap();
    assert!((rest == long()[65_536..]) && end);
    let empty = open(&mut host, &root, "data/empty").unwrap();
    assert_eq!(host.read(lend(&empty), 1, 0).unwrap().unwrap(), (Vec::new(), true));
}

#[test]
fn each_stream_of_a_file_begins_at_its_own_offset() {
    let (mut host, root) = host_with_files();
    let file = open(&mut host, &root, "a.txt").unwrap();
    let [whole, tail, past] = [0, 3, 9].map(|at| host.read_via_stream(lend(&file), at).unwrap().unwrap());
    let mut read = |stream: &Resource<InputStream>, len| {
        streams::HostInputStream::read(&mut host, lend(stream), len).unwrap()
    };
    assert_eq!(read(&whole, 2).unwrap(), b"he");
    assert_eq!(read(&tail, 9).unwrap(), b"lo");
    assert_eq!(read(&whole, 9).unwrap(), b"llo");
    for ended in [whole, tail, past] {
        assert!(matches!(read(&ended, 1), Err(StreamError::Closed)));
    }
}

#[test]
fn files_and_folders_say_what_they_are() {
    use fs::{DescriptorType, ErrorCode, OpenFlags, PathFlags};
    let (mut host, root) = host_with_files();
    let none = PathFlags::empty();
    for (path, kind, size) in [
        ("a.txt", DescriptorType::RegularFile, 5),
        ("data", DescriptorType::Directory, 0),
        ("data/../data/./deep/", DescriptorType::Directory, 0),
        ("data/deep/long", DescriptorType::RegularFile, 70_000),
    ] {
        let told = host.stat_at(lend(&root), none, path.to_owned()).unwrap().unwrap();
        assert_eq!((told.type_, told.link_count, told.size), (kind, 1, size), "{path}");
        assert!(told.data_modification_timestamp.is_none());
        let opened = open(&mut host, &root, path).unwrap();
        assert_eq!(host.get_type(lend(&opened)).unwrap().unwrap(), kind, "{path}");
        assert_eq!(host.stat(lend(&opened)).unwrap().unwrap().size, size, "{path}");
        let hash = host.metadata_hash(lend(&opened)).unwrap().unwrap();
        let at = host.metadata_hash_at(lend(&root), none, path.to_owned()).unwrap().unwrap();
        assert_eq!((hash.lower, hash.upper), (at.lower, at.upper), "{path}");
        assert!(!host.is_same_object(lend(&root), lend(&opened)).unwrap(), "{path}");
    }
    for (from, path, error) in [
        ("", "b.txt", ErrorCode::NoEntry),
        ("", "a.txt/b", ErrorCode::NotDirectory),
        ("", "a.txt/", ErrorCode::NotDirectory),
        ("data", "../a.txt", ErrorCode::NotPermitted),
        ("data", "/a.txt", ErrorCode::NotPermitted),
        ("data", "deep/../../a.txt", ErrorCode::NotPermitted),
        ("a.txt", "b", ErrorCode::NotDirectory),
    ] {
        let from = if from.is_empty() { lend(&root) } else { open(&mut host, &root, from).unwrap() };
        assert_eq!(open(&mut host, &from, path).err(), Some(error), "{path}");
    }
    let file = open(&mut host, &root, "a.txt").unwrap();
    assert_eq!(host.read_directory(lend(&file)).unwrap().err(), Some(ErrorCode::NotDirectory));
    let read = fs::DescriptorFlags::READ;
    let opened = host.open_at(lend(&root), none, "a.txt".to_owned(), OpenFlags::DIRECTORY, read).unwrap();
    assert_eq!(opened.err(), Some(ErrorCode::NotDirectory));
    assert_eq!(host.readlink_at(lend(&root), "a.txt".to_owned()).unwrap().err(), Some(ErrorCode::Invalid));
    let folder = open(&mut host, &root, "data").unwrap();
    assert_eq!(host.read(lend(&folder), 1, 0).unwrap().err(), Some(ErrorCode::IsDirectory));
}

/// The vectors of `docs/spec/wasi.md`.
#[test]
fn metadata_hashes_are_those_that_are_written_down() {
    let (mut host, root) = host_with_files();
    for (path, expect) in [
        (".", (1, 0)),
        ("a.txt", (15_492_005_282_563_431_081, 16_598_938_029_143_617_092)),
        ("data", (4_851_735_816_850_346_722, 16_870_185_896_755_841_138)),
    ] {
        let none = fs::PathFlags::empty();
        let hash = host.metadata_hash_at(lend(&root), none, path.to_owned()).unwrap().unwrap();
        assert_eq!((hash.lower, hash.upper), expect, "{path}");
    }
}

#[test]
fn a_folder_is_listed_in_the_order_of_names() {
    let (mut host, root) = host_with_files();
    for (path, expect) in [(".", "a.txt data/ "), ("data", "deep/ empty "), ("data/deep", "long ")] {
        let folder = open(&mut host, &root, path).unwrap();
        let listing = host.read_directory(folder).unwrap().unwrap();
        let mut told = String::new();
        while let Some(entry) = host.read_directory_entry(lend(&listing)).unwrap().unwrap() {
            let end = if entry.type_ == fs::DescriptorType::Directory { "/" } else { "" };
            told += &format!("{}{end} ", entry.name);
        }
        assert_eq!(told, expect);
        assert!(host.read_directory_entry(listing).unwrap().unwrap().is_none(), "the end stays the end");
    }
}

#[test]
fn a_granted_file_cannot_be_written_to() {
    use fs::{DescriptorFlags, ErrorCode, OpenFlags, PathFlags};
    let (mut host, root) = host_with_files();
    let file = open(&mut host, &root, "a.txt").unwrap();
    assert_eq!(host.get_flags(lend(&file)).unwrap().unwrap(), DescriptorFlags::READ);
    let mut errors = vec![
        host.write(lend(&file), b"x".to_vec(), 0).unwrap().err(),
        host.write_via_stream(lend(&file), 0).unwrap().err(),
        host.append_via_stream(lend(&file)).unwrap().err(),
        host.set_size(lend(&file), 0).unwrap().err(),
        host.unlink_file_at(lend(&root), "a.txt".to_owned()).unwrap().err(),
        host.remove_directory_at(lend(&root), "data".to_owned()).unwrap().err(),
    ];
    for (open, flags) in [
        (OpenFlags::CREATE, DescriptorFlags::READ),
        (OpenFlags::TRUNCATE, DescriptorFlags::READ),
        (OpenFlags::empty(), DescriptorFlags::READ | DescriptorFlags::WRITE),
    ] {
        let path = "a.txt".to_owned();
        errors.push(host.open_at(lend(&root), PathFlags::empty(), path, open, flags).unwrap().err());
    }
    assert!(errors.iter().all(|error| *error == Some(ErrorCode::ReadOnly)), "{errors:?}");
    assert_eq!(host.read(lend(&file), 9, 0).unwrap().unwrap().0, b"hello");
}
