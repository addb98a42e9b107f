use super::Operator;

#[test]
fn a_file_to_begin_with_is_written_once_and_works() {
    let operator = Operator::new();
    operator.says("config init").done();
    for line in ["check --offline", "check"] {
        operator.says(line).done();
    }
    let file = operator.home().join("doorward.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(operator.says("config init --stdout").done(), text);

    std::fs::write(&file, "mine").unwrap();
    let said = operator.says("config init").ends_with(1);
    assert!(said.contains("doorward.toml is there already"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");

    operator.says("config init --config other.toml").done();
    let other = std::fs::read_to_string(operator.home().join("other.toml")).unwrap();
    assert_eq!(other, text);
    operator
        .says("config init --config a.toml --config b.toml")
        .ends_with(2);
    let said = operator
        .says("config init --config no/such/folder.toml")
        .ends_with(1);
    assert!(said.contains("help: make its folder first"), "{said}");
}

#[test]
fn what_is_in_force_is_printed_with_where_it_was_said() {
    let site = "[portal]\ntitle = \"Harbour\"\n[[site]]\nupstream = \"http://localhost:3000\"\n";
    let operator = Operator::with_file(site);
    let bare = operator.says("config print").done();
    assert!(bare.contains("title = \"Harbour\"\n"), "{bare}");
    let shown = operator
        .says("--listen 127.0.0.1:81 config print --origin")
        .done();
    for (setting, place) in [
        ("title", "./doorward.toml:2"),
        ("memory = \"64KiB\"", "DOORWARD__PASSWORD__MEMORY"),
        ("listen = [\"127.0.0.1:81\"]", "--listen"),
        ("idle", "default"),
    ] {
        let line = shown
            .lines()
            .find(|line| line.starts_with(setting))
            .unwrap();
        assert!(line.ends_with(&format!("# {place}")), "{line}");
    }
    std::fs::write(operator.home().join("printed.toml"), &shown).unwrap();
    operator
        .says("check --offline --config printed.toml")
        .done();
    let again = operator.says("config print --config printed.toml").done();
    assert_eq!(again, bare.replace("[::]:8080", "127.0.0.1:81"));

    let said = Operator::with_file("[server]\nlisen = []\n")
        .says("config print")
        .ends_with(78);
    assert!(said.contains("doorward.toml:2:"), "{said}");
}

#[test]
fn with_nothing_configured_every_default_is_printed() {
    let operator = Operator::new();
    let shown = operator.says("config print --origin").done();
    assert!(
        shown.contains("upstream = \"files:protected/site\""),
        "{shown}"
    );
    assert!(!operator.home().join("data").exists());
}
