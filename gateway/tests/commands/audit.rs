use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Operator;

const PASSWORD: &str = "flimsy-otter-9-parade\n";

fn with_people() -> Operator {
    let operator = Operator::new();
    for who in ["anna", "ben"] {
        let line = format!("user add {who}@example.com --username {who} --password-stdin");
        operator.types(&line, PASSWORD).done();
    }
    operator.says("user grant anna editor").done();
    operator
}

fn events(lines: &str) -> Vec<(i64, String)> {
    let read = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let of = |name| entry.get(name).unwrap();
        (
            of("id").as_i64().unwrap(),
            of("event").as_str().unwrap().to_owned(),
        )
    };
    lines.lines().map(read).collect()
}

#[test]
fn the_trail_is_printed_in_its_order() {
    let operator = with_people();
    let all = events(&operator.says("audit export").done());
    let names: Vec<_> = all.iter().map(|(_, event)| event.as_str()).collect();
    assert_eq!(names, ["account.added", "account.added", "role.granted"]);
    assert!(all.is_sorted());
    assert_eq!(events(&operator.says("audit tail --json").done()), all);
    let newest = operator.says("audit tail --json -n 1").done();
    assert_eq!(events(&newest), [all[2].clone()]);
    let text = operator.says("audit tail -n 1").done();
    for word in ["role.granted", "anna", "command", "editor"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let ben = events(&operator.says("audit export --who ben").done());
    assert_eq!(ben, [all[1].clone()]);
    operator.says("audit tail --who nobody").ends_with(1);
    operator.says("audit").ends_with(2);
}

#[test]
fn following_it_shows_what_comes() {
    let operator = with_people();
    let mut child = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(["audit", "tail", "-n", "1", "--follow"])
        .current_dir(operator.home())
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("role.granted"));
    operator.says("user disable ben").done();
    let next = lines.next().unwrap().unwrap();
    assert!(
        next.contains("account.disabled") && next.contains("ben"),
        "{next}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn unlocking_is_part_of_it() {
    let operator = with_people();
    let said = operator.says("user unlock anna").done();
    assert!(said.starts_with("anna may try again at once"), "{said}");
    operator.says("user unlock nobody").ends_with(1);
    let trail = operator.says("audit tail -n 1").done();
    assert!(trail.contains("account.unlocked"), "{trail}");
}
