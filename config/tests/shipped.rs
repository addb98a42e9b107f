//! The shipped file is true: it shows every key, and its values are the defaults.
//!
//! In a test program of its own because it changes the working directory, where
//! the sample site is looked for.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use doorward_config::{Config, Origins, REFERENCE, Site, Sources, effective, load, schema};
use serde_json::Value;

/// Every key of the schema as `section.key`.
fn keys(schema: &Value, name: &str, root: &Value, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return keys(target, name, root, found);
    }
    for variant in ["anyOf", "oneOf"] {
        for one in schema[variant].as_array().into_iter().flatten() {
            keys(one, name, root, found);
        }
    }
    keys_of_items(schema, name, root, found);
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let below = format!("{name}.{key}");
        found.insert(below.trim_start_matches('.').to_owned());
        keys(value, &below, root, found);
    }
}

fn keys_of_items(schema: &Value, name: &str, root: &Value, found: &mut BTreeSet<String>) {
    if schema["items"].is_object() {
        keys(&schema["items"], name, root, found);
    }
}

/// Every key that the text shows, live or behind a `#`.
fn shown(text: &str) -> BTreeSet<String> {
    let mut section = "";
    let mut shown = BTreeSet::new();
    for line in text.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
            shown.insert(section.to_owned());
            continue;
        }
        let Some((key, value)) = line.split_once(" = ") else {
            continue;
        };
        shown.insert(format!("{section}.{key}"));
        if let Some(table) = value.strip_prefix('{') {
            let entries = table.split('}').next().unwrap().split(',');
            for entry in entries {
                let inner = entry.split('=').next().unwrap().trim();
                shown.insert(format!("{section}.{key}.{inner}"));
            }
        }
    }
    shown
}

#[test]
fn the_shipped_file_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::env::set_current_dir(root).unwrap();

    let schema = serde_json::to_value(schema()).unwrap();
    let mut accepted = BTreeSet::new();
    keys(&schema, "", &schema, &mut accepted);
    assert!(accepted.contains("server.listen") && accepted.contains("site.rule.allow"));
    let missing: Vec<_> = accepted.difference(&shown(REFERENCE)).cloned().collect();
    assert_eq!(missing, Vec::<String>::new(), "accepted, but not shown");

    let folder = tempfile::tempdir().unwrap();
    let bare: Vec<_> = REFERENCE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let file = folder.path().join("bare.toml");
    std::fs::write(&file, bare.join("\n")).unwrap();
    let from = |files: Vec<PathBuf>| {
        load(&Sources {
            files,
            ..Sources::default()
        })
    };
    assert_eq!(from(vec![file]).unwrap(), Config::default());
    assert_eq!(
        from(vec![root.join("config/doorward.toml")]).unwrap(),
        Config::default()
    );

    // With nothing at all it is the same, and what is protected is there.
    assert!(!Path::new("doorward.toml").exists());
    assert_eq!(from(Vec::new()).unwrap(), Config::default());
    let printed = folder.path().join("printed.toml");
    let shown = effective(&Sources::default()).unwrap();
    std::fs::write(&printed, shown.print(Origins::Shown)).unwrap();
    assert_eq!(from(vec![printed]).unwrap(), Config::default());
    assert!(Path::new(Site::SAMPLE).join("index.html").is_file());
    assert!(Path::new(Site::SAMPLE).join("assets").is_dir());
}
