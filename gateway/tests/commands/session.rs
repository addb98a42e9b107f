use super::Operator;

#[test]
fn lists_are_json_and_what_is_not_there_is_1() {
    let operator = Operator::new();
    assert_eq!(operator.says("session list --all --json").done(), "[]\n");
    assert_eq!(operator.says("user list --json").done(), "[]\n");
    assert_eq!(
        operator.says("session revoke --all").done(),
        "0 sessions ended\n"
    );
    for line in [
        "session list nobody --json",
        "session revoke nobody",
        "session list --id 0123456789abcdef",
        "session revoke --id 0123456789abcdef",
        "user show nobody",
        "user disable nobody",
        "user grant nobody admin",
    ] {
        let said = operator.says(line).ends_with(1);
        assert!(said.contains("help:"), "it says what to do: {said}");
    }
    for line in [
        "session list",
        "session list anna --all",
        "session list --id xyz",
        "session list anna --id 0123456789abcdef",
        "session revoke --id xyz",
        "session revoke anna --id 0123456789abcdef",
        "explain GET",
        "explain GET /path",
    ] {
        operator.says(line).ends_with(2);
    }
}

#[test]
fn a_store_that_is_away_is_69() {
    let nowhere = "[redis]\nurl = \"redis://127.0.0.1:1\"\n[[site]]\nupstream = \"none\"\n";
    let operator = Operator::with_file(nowhere);
    // Before there is any account, too: nobody's sessions is an answer that only the store can give.
    for line in [
        "session list --all",
        "session list --id 0123456789abcdef",
        "session revoke --all",
    ] {
        operator.says(line).ends_with(69);
    }
    let add = "user add anna@example.com --username anna --password-stdin";
    operator.types(add, "flimsy-otter-9-parade\n").done();
    for line in [
        "session list --all",
        "session list anna",
        "session revoke anna",
    ] {
        let said = operator.says(line).ends_with(69);
        assert!(said.contains("redis"), "{said}");
    }
}

#[test]
fn what_is_changed_without_the_session_store_is_said_to_be() {
    let nowhere = "[redis]\nurl = \"redis://127.0.0.1:1\"\n[[site]]\nupstream = \"none\"\n";
    let operator = Operator::with_file(nowhere);
    let add = "user add anna@example.com --username anna --password-stdin";
    operator.types(add, "flimsy-otter-9-parade\n").done();
    for line in [
        "user grant anna editor",
        "user revoke-role anna editor",
        "user disable anna",
        "user disable anna",
    ] {
        let said = operator.says(line).ends_with(69);
        assert!(
            said.contains("the account is changed already")
                && said.contains("as soon as the redis store is back"),
            "{line}: {said}"
        );
    }
    // Each command says meanwhile that something is left to do, and does its own work.
    let shown = operator.says("user show anna --json");
    assert!(shown.stderr.contains("not in line"), "{}", shown.stderr);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["enabled"], false);
    let trail = operator.says("audit tail --json").stdout;
    assert!(trail.contains("account.disabled"), "{trail}");
    let said = operator.says("user delete anna").ends_with(69);
    assert!(said.contains("changed already"), "{said}");
    operator.says("user show anna").ends_with(1);
}
