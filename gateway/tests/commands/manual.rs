use std::io::Write;
use std::process::{Command, Stdio};

use super::Operator;

/// Runs a program on `text`, if this machine has it; whether it was content, and what it said.
fn judged_by(program: &str, arguments: &[&str], text: &str) -> Option<(bool, String)> {
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.ok()?;
    let mut input = child.stdin.take().unwrap();
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

#[test]
fn shells_can_read_their_completions() {
    let operator = Operator::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = operator.says(&format!("completions {shell}")).done();
        for word in ["explain", "revoke-role", "--password-stdin"] {
            let spelled = word.trim_start_matches("--");
            assert!(script.contains(spelled), "no {word} for {shell}");
        }
        if ["bash", "zsh", "fish"].contains(&shell)
            && let Some((content, said)) = judged_by(shell, &["-n"], &script)
        {
            assert!(content && said.is_empty(), "{shell}: {said}");
        }
    }
    operator.says("completions csh").ends_with(2);
}

#[test]
fn the_manual_has_every_command() {
    let operator = Operator::new();
    let page = operator.says("man").done();
    assert!(page.contains(".TH doorward 1"), "{page}");
    let commands = [
        "doorward run",
        "doorward config print",
        "doorward user add",
        "doorward session revoke",
        "doorward explain",
    ];
    for command in commands {
        assert!(page.contains(&format!(".SS {command}\n")), "{command}");
    }
    if let Some((content, said)) = judged_by("man", &["--warnings", "-l", "-"], &page)
        && content
    {
        // Lines are filled, with more than one blank where that fits.
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("doorward user add"), "{said}");
        assert!(words.contains("69 a store"), "{said}");
    }
    operator.says("man --dir pages").done();
    for file in ["doorward.1", "doorward-user-add.1"] {
        let page = std::fs::read_to_string(operator.home().join("pages").join(file)).unwrap();
        assert!(page.contains(".TH "), "{file}");
    }
    assert!(!operator.home().join("data").exists());
}

#[test]
fn every_command_says_what_it_is_for() {
    let operator = Operator::new();
    let page = operator.says("man").done();
    let commands = page
        .lines()
        .filter_map(|line| line.strip_prefix(".SS doorward "));
    for command in commands {
        let help = operator.says(&format!("{command} --help")).done();
        let first = help.lines().next().unwrap_or_default();
        assert!(!first.is_empty() && !first.starts_with("Usage"), "{help}");
        assert!(help.contains("--config <FILE>"), "{help}");
        // Each argument and option has its words, on its line or below.
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            let bare =
                line.trim_start().starts_with(['-', '<', '[']) && !line.trim().contains("  ");
            let next = help.lines().skip_while(|one| *one != line).nth(1);
            assert!(
                !bare || next.is_some_and(|next| !next.trim().is_empty()),
                "{command}: {line}"
            );
        }
    }
}
