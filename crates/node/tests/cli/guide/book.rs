//! The guide as a book: every page is listed, run and linked to where there is something.

use std::collections::BTreeSet;
use std::fs;

use super::page::Block;
use super::{PAGES, read, repository};

/// What the book lists its chapters in.
const SUMMARY: &str = "SUMMARY.md";

/// The pages in the folder, without the list.
fn pages() -> BTreeSet<String> {
    let files = fs::read_dir(repository().join("docs/guide")).expect("the guide");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("a name"));
    names.filter(|name| name.ends_with(".md") && name != SUMMARY).collect()
}

/// The targets of a page's links, outside of code blocks.
fn links(page: &str) -> Vec<&str> {
    let mut in_code = false;
    let prose = page.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    });
    prose.flat_map(|line| line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0))).collect()
}

#[test]
fn every_page_is_a_chapter_and_every_chapter_a_page() {
    let summary = read(SUMMARY);
    let chapters: BTreeSet<_> = links(&summary).into_iter().map(str::to_owned).collect();
    assert_eq!(chapters, pages());
}

#[test]
fn every_page_with_commands_or_files_is_run() {
    for name in pages() {
        let page = read(&name);
        let is_run = |words| !matches!(Block::parse(words), Some((Block::Text, _)));
        if page
            .lines()
            .filter_map(|line| line.strip_prefix("```"))
            .any(|words| !words.is_empty() && is_run(words))
        {
            assert!(PAGES.contains(&name.as_str()), "{name} is not run by a test");
        }
    }
}

#[test]
fn every_link_of_the_guide_leads_somewhere() {
    for name in pages().into_iter().chain([SUMMARY.to_owned()]) {
        let page = read(&name);
        for link in links(&page).into_iter().filter(|link| !link.starts_with("http")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { &name } else { file };
            let path = repository().join("docs/guide").join(file);
            assert!(path.exists(), "{name} links to {link}");
            if !heading.is_empty() {
                let text = fs::read_to_string(&path).expect("a page");
                let anchors = text.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(anchors.into_iter().any(|anchor| anchor == heading), "{name} links to {link}");
            }
        }
    }
}

/// What a heading is linked by.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
}
