use super::Operator;

#[test]
fn five_mistakes_are_five_messages_each_at_its_line() {
    let operator = Operator::with_file(
        r#"[server]
listen = ["nowhere"]
trusted_proxy = ["10.0.0.0/8"]

[session]
idle = "soon"

[[site]]
host = "*"
upstream = "gopher://localhost"
paths = "lax"
"#,
    );
    for line in ["check", "check --offline"] {
        let said = operator.says(line).ends_with(78);
        let places: Vec<_> = said
            .lines()
            .filter_map(|line| line.split_once("doorward.toml:"))
            .filter_map(|(_, rest)| rest.split(':').next()?.parse::<u32>().ok())
            .collect();
        assert_eq!(places, [2, 3, 6, 10, 11], "{said}");
        assert!(
            said.contains("trusted_proxies"),
            "it suggests what was meant: {said}"
        );
        assert!(said.contains('^'), "it points at the place: {said}");
    }
    assert!(!operator.home().join("data").exists());
}

#[test]
fn every_command_refuses_a_wrong_file_and_changes_nothing() {
    let operator = Operator::with_file("[server]\nlisen = []\n");
    for line in ["", "run", "user list", "session list anna", "healthcheck"] {
        let said = operator.says(line).ends_with(78);
        assert!(said.contains("doorward.toml:2:"), "{said}");
    }
    assert!(!operator.home().join("data").exists());
}

#[test]
fn what_is_right_is_said_to_be_and_nothing_is_made() {
    let site = "[[site]]\nname = \"wiki\"\nhost = \"*\"\nupstream = \"http://localhost:3000\"\n";
    let operator = Operator::with_file(site);
    for line in ["check", "check --offline", "check --config doorward.toml"] {
        let said = operator.says(line).done();
        assert!(said.starts_with("ok") && said.contains("wiki"), "{said}");
    }
    assert!(!operator.home().join("data").exists());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = Operator::new()
        .says("check --config gone.toml")
        .ends_with(78);
    assert!(
        said.contains("gone.toml") && said.contains("doorward config init"),
        "{said}"
    );
}

#[test]
fn a_variable_that_is_not_known_is_named() {
    let operator =
        Operator::with_file("[[site]]\nhost = \"*\"\nupstream = \"http://localhost:3000\"\n");
    operator.says("check --offline").done();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(["check", "--offline"])
        .current_dir(operator.home())
        .env_clear()
        .env("DOORWARD__SESSION__IDEL", "1h")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("DOORWARD__SESSION__IDEL"), "{said}");
}

#[test]
fn a_store_that_is_away_is_69_unless_nobody_asks() {
    // Bound and dropped: nothing listens there now.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let upstream = "[[site]]\nhost = \"*\"\nupstream = \"http://localhost:3000\"\n";
    let operator = Operator::with_file(&format!(
        "[redis]\nurl = \"redis://127.0.0.1:{port}\"\n{upstream}"
    ));
    operator.says("check --offline").done();
    let said = operator.says("check").ends_with(69);
    assert!(said.contains("redis"), "{said}");
    assert!(!operator.home().join("data").exists());
}
