//! `wasi:filesystem`: one directory that is empty and stays so.

use super::{host, lend};
use crate::wasi::wasi::filesystem::preopens::Host as _;
use crate::wasi::wasi::filesystem::types::{self as fs, HostDescriptor as _, HostDirectoryEntryStream as _};

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
