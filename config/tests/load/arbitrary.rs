//! Whatever is in a file or variable, loading ends in a configuration or in
//! problems, never in a panic, and rendering those neither.

use doorward_config::{Color, Overrides, REFERENCE, Sources, load};
use proptest::prelude::*;

use crate::Desk;

fn survives(text: &str, env: Vec<(String, String)>, overrides: Overrides) {
    let desk = Desk::new();
    let loaded = load(&Sources {
        files: vec![desk.write("doorward.toml", text)],
        env,
        overrides,
    });
    if let Err(problems) = loaded {
        assert!(problems.len() > 0);
        assert!(!problems.render(Color::Plain).is_empty());
        assert!(!problems.render(Color::Ansi).is_empty());
    }
}

/// The shipped file with a piece replaced.
fn mutated() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        ".{0,12}",
        "[\\[\\]{}=\"'#.,\n a-z0-9]{0,12}",
        Just(String::new()),
        Just("\n[[site]]\n".to_owned()),
        Just("\u{e9}\u{1f6aa}".to_owned()),
    ];
    (0..REFERENCE.len(), 0..200_usize, piece).prop_map(|(start, length, piece)| {
        let start = REFERENCE.floor_char_boundary(start);
        let end = REFERENCE.floor_char_boundary((start + length).min(REFERENCE.len()));
        format!(
            "{}{piece}{}",
            &REFERENCE[..start],
            &REFERENCE[end.max(start)..]
        )
    })
}

#[test]
fn endless_nesting() {
    let deep = format!("x = {}", "[".repeat(50_000));
    survives(&deep, Vec::new(), Overrides::default());
    let tables = format!("[{}a]", "a.".repeat(50_000));
    survives(&tables, Vec::new(), Overrides::default());
    let name = format!("DOORWARD{}", "__A".repeat(50_000));
    survives(
        crate::SITE,
        vec![(name, "[".repeat(50_000))],
        Overrides::default(),
    );
}

proptest! {
    #[test]
    fn any_text(text in ".*") {
        survives(&text, Vec::new(), Overrides::default());
    }

    #[test]
    fn toml_like_text(text in "(\\[{0,2}(server|site|site.rule|session|x)\\]{0,2}\n|(listen|idle|upstream|allow|path|a.b|\"q\") ?= ?([0-9]{1,3}|\"[a-z:/*.]{0,9}\"|\\[|\\]|\\{|\\}|true)?\n?){0,12}") {
        survives(&text, Vec::new(), Overrides::default());
    }

    #[test]
    fn a_mutated_file(text in mutated()) {
        survives(&text, Vec::new(), Overrides::default());
    }

    #[test]
    fn any_variables_and_options(
        env in proptest::collection::vec(
            ("DOORWARD__(SERVER|SITE|SESSION|[A-Z_0-9\u{130}]{0,6})(__[A-Za-z_0-9]{0,8}){0,3}", "(\\[|\\{|\"|[0-9])?.{0,10}"),
            0..4,
        ),
        upstream in proptest::option::of(".*"),
        listen in proptest::option::of(".*"),
    ) {
        survives(crate::SITE, env, Overrides { upstream, listen });
    }
}
