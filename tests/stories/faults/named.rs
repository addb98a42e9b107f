//! `docs/faults.md` names tests that exist.

use std::path::{Path, PathBuf};

/// The Rust file that has the test `path` (`room::story::name`), and the name of its function.
fn place(root: &Path, path: &str) -> (PathBuf, String) {
    let mut words: Vec<&str> = path.split("::").collect();
    let name = words.pop().expect("a name").to_owned();
    let file = format!("{}.rs", words.join("/"));
    let stories = root.join("stories").join(&file);
    if stories.exists() {
        return (stories, name);
    }
    let (folder, rest) = words.split_first().expect("a room");
    (
        root.join("..")
            .join(folder)
            .join("src")
            .join(format!("{}.rs", rest.join("/"))),
        name,
    )
}

#[test]
fn what_the_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("../docs/faults.md")).expect("the page");
    let mut count = 0;
    for path in page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains("::"))
    {
        let (file, name) = place(root, path);
        let text = std::fs::read_to_string(&file);
        let text = text.unwrap_or_else(|error| panic!("{path}: {}: {error}", file.display()));
        assert!(
            text.contains(&format!("fn {name}(")),
            "{path}: no such test in {}",
            file.display()
        );
        count += 1;
    }
    assert!(count > 30, "only {count} tests are named");
}
