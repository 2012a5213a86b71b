//! What a new project has in it.

use std::fs;

use troupe_workshop::{CreateError, Lang, Project, create};

#[test]
fn a_project_of_each_language_says_by_its_files_what_it_is() {
    for lang in Lang::ALL {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("a/my-counter");
        let created = create(&folder, "my-counter", lang).unwrap();
        for file in &created.files {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(!text.contains("{{"), "{lang}: {file} has something left to fill in");
            assert!(text.ends_with('\n'), "{lang}: {file} is untidy");
        }
        assert!(created.files.contains(&lang.main_file()), "{lang}");
        assert!(folder.join(created.vendor).read_dir().unwrap().count() > 2, "{lang} has no SDK");
        let project = Project::open(&folder).unwrap();
        assert_eq!(project.name, "my-counter");
        assert_eq!(project.component(), folder.join("build/my-counter.wasm"));
        assert_eq!(project.how, troupe_workshop::How::Lang(lang));
    }
}

#[test]
fn what_is_there_is_not_touched() {
    let temporary = tempfile::tempdir().unwrap();
    fs::write(temporary.path().join("notes.txt"), "mine").unwrap();
    let refused = create(temporary.path(), "counter", Lang::Rust).unwrap_err();
    assert!(matches!(refused, CreateError::NotEmpty(_)), "{refused}");
    assert_eq!(temporary.path().read_dir().unwrap().count(), 1);
    let file = temporary.path().join("notes.txt");
    assert!(matches!(create(&file, "counter", Lang::C).unwrap_err(), CreateError::NotEmpty(_)));
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
    let empty = temporary.path().join("empty");
    fs::create_dir(&empty).unwrap();
    create(&empty, "counter", Lang::Rust).unwrap();
}

#[test]
fn a_name_that_no_tool_takes_writes_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    for name in ["", "Counter", "2nd", "../x", "test"] {
        let folder = temporary.path().join("new");
        assert!(matches!(create(&folder, name, Lang::Rust), Err(CreateError::Name(_))), "{name}");
        assert!(!folder.exists());
    }
}
