//! Mistakes: each is found, at its line, and explained.

mod redis;
mod sites;
mod table;

use doorward_config::{Color, Overrides, Problems, Sources, load};

use crate::{Desk, SITE, load_text};
use redis::REDIS;
use sites::{RULES, SITES};
use table::{MEANINGS, Mistake, SHAPES, TLS};

/// `--nocapture` prints the rows of a table: the line, the mistake, and what is said about it.
fn only_problem(text: &str, line: usize, said: &[&str]) {
    let Err(problems) = load_text(text) else {
        panic!("nothing was found in:\n{text}");
    };
    let rendered = problems.render(Color::Plain);
    assert_eq!(problems.len(), 1, "{text}\n\n{rendered}");
    let first = problems.iter().next().unwrap();
    assert_eq!(first.line(), Some(line), "{text}\n\n{rendered}");
    for words in said {
        assert!(rendered.contains(words), "no {words:?} in:\n{rendered}");
    }
    assert!(
        rendered.contains(&format!("doorward.toml:{line}:")),
        "{rendered}"
    );
    assert!(rendered.contains('^'), "{rendered}");
    let written = text.lines().nth(line - 1).unwrap_or_default().trim();
    let help = first.help().map(|help| format!(" ({help})"));
    println!(
        "| {line} | `{written}` | {}{} |",
        first.message(),
        help.unwrap_or_default()
    );
}

#[test]
fn each_mistake_is_the_only_problem_at_its_line() {
    for Mistake(text, line, said) in SHAPES.iter().chain(&TLS).chain(&MEANINGS) {
        only_problem(&format!("{text}\n{SITE}"), *line, said);
    }
    for Mistake(text, line, said) in &REDIS {
        only_problem(&format!("[redis]\n{text}\n{SITE}"), *line, said);
    }
    for Mistake(text, line, said) in &SITES {
        only_problem(text, *line, said);
    }
    for Mistake(text, line, said) in &RULES {
        only_problem(&format!("{SITE}[[site.rule]]\n{text}"), *line, said);
    }
}

const FIVE: &str = r#"[server]
listen = ["8080"]
trusted_proxy = ["10.0.0.0/8"]

[session]
idle = "2 hours"

[[site]]
upstream = "http://127.0.0.1:3000"
identity = "x-forwardd"
[[site.rule]]
path = "/admin/**"
alow = ["role:admin"]
"#;

fn lines(problems: &Problems) -> Vec<Option<usize>> {
    problems
        .iter()
        .map(doorward_config::Problem::line)
        .collect()
}

#[test]
fn five_mistakes_are_five_problems_in_the_order_of_their_lines() {
    let problems = load_text(FIVE).unwrap_err();
    assert_eq!(
        lines(&problems),
        [2, 3, 6, 10, 13].map(Some),
        "{}",
        problems.render(Color::Plain)
    );
}

#[test]
fn a_line_that_is_no_toml_does_not_hide_the_others() {
    let text = format!("[server]\ndrain = 30s\nthread = 5\n[session]\nidle = \"0s\"\n{SITE}");
    let problems = load_text(&text).unwrap_err();
    assert_eq!(lines(&problems), [2, 3, 5].map(Some), "{problems}");
}

#[test]
fn a_list_that_is_not_closed_is_said_once() {
    let text = format!("[server]\nlisten = [\"[::]:80\"\ndata_dir = \"x\"\nthreads = 5\n{SITE}");
    let problems = load_text(&text).unwrap_err();
    let shown = problems.render(Color::Plain);
    assert_eq!(shown.matches("missing comma").count(), 1, "{shown}");
    assert!(shown.contains("not closed"), "{shown}");
}

#[test]
fn the_picture_points_at_the_value() {
    let problems = load_text(&format!("[server]\nthreads = \"four\"\n{SITE}")).unwrap_err();
    let shown = problems.render(Color::Plain);
    let rest = shown.split_once("doorward.toml:").unwrap().1;
    assert_eq!(
        rest,
        r#"2:11: `server.threads`: expected a whole number, found string "four"
  |
2 | threads = "four"
  |           ^^^^^^
"#
    );
    assert!(problems.render(Color::Ansi).contains("\u{1b}["));
    assert!(!shown.contains('\u{1b}'));
}

#[test]
fn credentials_are_not_shown() {
    for line in [
        "[redis]\nurl = \"redis://anna:hunter2@cache/x\"",
        "[redis]\nurl = \"rediss://anna:hunter2@cache/x\"",
        "[redis]\nurl = \"unix:///run/r?pass=hunter2#\"",
        "[redis]\ncluster = [\"redis://anna:hunter2@cache/1\"]",
        "[redis]\nsentinel = { master = \"\", nodes = [\"redis://anna:hunter2@cache\"] }",
        "[redis]\nurl = \"redis://cache\"\npassword = \"hunter2*\"",
        "redis = \"redis://anna:hunter2@cache\"",
        "[redis]\nurll = \"redis://anna:hunter2@cache\"",
        "[database]\nurl = \"postgres://anna:hunter2@db\"",
        "[database]\nurl = \"postgres://anna:hunter2/@db/app\"",
        "[database]\nurl = \"mysql://anna:hunter2@db/app?password=hunter2\"",
        "[database]\nurl = \"mysql://anna:hun#ter2@db/app?password=hunter2\"",
        "database = \"mysql://anna:hunter2@db/app\"",
        "[redis]\nurl = \"redis://anna:hunter2@cache",
    ] {
        let shown = load_text(&format!("{line}\n{SITE}"))
            .unwrap_err()
            .render(Color::Plain);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains('*'), "{shown}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let desk = Desk::new();
    let missing = desk.folder.path().join("missing.toml");
    let sources = Sources {
        files: vec![missing.clone()],
        ..Sources::default()
    };
    let problems = load(&sources).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems}");
    assert!(
        problems
            .to_string()
            .starts_with(&missing.display().to_string())
    );

    let sources = Sources {
        files: vec![desk.write("latin.toml", b"[portal]\ntitle = \"caf\xe9\"")],
        ..Sources::default()
    };
    let problems = load(&sources).unwrap_err();
    assert_eq!(lines(&problems), [Some(2)], "{problems}");
}

#[test]
fn options_are_named_as_they_were_given() {
    let sources = Sources {
        overrides: Overrides {
            upstream: Some("localhost:3000".to_owned()),
            listen: Some("8080".to_owned()),
        },
        ..Sources::default()
    };
    let problems = load(&sources).unwrap_err();
    let shown: Vec<_> = problems
        .iter()
        .map(|problem| problem.place().to_string())
        .collect();
    assert_eq!(shown, ["--listen", "--upstream"], "{problems}");
}
