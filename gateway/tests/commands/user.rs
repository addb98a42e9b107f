use serde_json::Value;

use super::Operator;

const PASSWORD: &str = "flimsy-otter-9-parade\n";

/// An operator with accounts for Anna, who administers, and Ben. Nothing says what to protect, and nothing needs to.
fn with_people() -> Operator {
    let operator = Operator::new();
    operator
        .types(
            "user add anna@example.com --username anna --role admin --password-stdin",
            PASSWORD,
        )
        .done();
    operator
        .types("user add ben@example.com --password-stdin", PASSWORD)
        .done();
    operator
}

fn list(operator: &Operator) -> Vec<Value> {
    serde_json::from_str(&operator.says("user list --json").done()).unwrap()
}

fn show(operator: &Operator, who: &str) -> Value {
    serde_json::from_str(&operator.says(&format!("user show {who} --json")).done()).unwrap()
}

#[test]
fn who_is_added_is_listed_and_shown() {
    let operator = with_people();
    let people = list(&operator);
    assert_eq!(people.len(), 2);
    assert_eq!(people[0]["username"], "anna");
    assert_eq!(people[0]["email"], "anna@example.com");
    assert_eq!(people[0]["email_verified"], true);
    assert_eq!(people[0]["roles"], serde_json::json!(["admin"]));
    assert_eq!(people[0]["enabled"], true);
    assert_eq!(people[1]["username"], Value::Null);
    assert_eq!(people[1]["roles"], serde_json::json!(["user"]));
    assert_eq!(show(&operator, "anna"), people[0]);
    assert_eq!(show(&operator, "Anna@Example.com"), people[0]);
    let table = operator.says("user list").done();
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(
        operator
            .says("user show ben@example.com")
            .done()
            .contains("ben@example.com")
    );
}

#[test]
fn disabling_and_enabling() {
    let operator = with_people();
    operator.says("user disable ben@example.com").done();
    assert_eq!(show(&operator, "ben@example.com")["enabled"], false);
    operator.says("user disable ben@example.com").done();
    operator.says("user enable ben@example.com").done();
    assert_eq!(show(&operator, "ben@example.com")["enabled"], true);
    assert_eq!(show(&operator, "anna")["enabled"], true);
}

#[test]
fn roles_come_and_go() {
    let operator = with_people();
    let roles = |who| show(&operator, who)["roles"].clone();
    operator.says("user grant ben@example.com editor").done();
    assert_eq!(
        roles("ben@example.com"),
        serde_json::json!(["editor", "user"])
    );
    operator
        .says("user grant-role ben@example.com staff")
        .done();
    operator
        .says("user revoke-role ben@example.com editor")
        .done();
    assert_eq!(
        roles("ben@example.com"),
        serde_json::json!(["staff", "user"])
    );
    assert_eq!(roles("anna"), serde_json::json!(["admin"]));
    let said = operator.says("user grant anna not,one").ends_with(2);
    assert!(said.contains("role"), "{said}");
}

#[test]
fn somebody_can_always_administer() {
    let operator = with_people();
    for line in [
        "user disable anna",
        "user delete anna",
        "user revoke-role anna admin",
    ] {
        let said = operator.says(line).ends_with(1);
        assert!(said.contains("user grant"), "{said}");
    }
    operator.says("user grant ben@example.com admin").done();
    operator.says("user delete anna").done();
    assert_eq!(list(&operator).len(), 1);
}

#[test]
fn who_is_deleted_is_gone() {
    let operator = with_people();
    operator.says("user delete ben@example.com").done();
    assert_eq!(list(&operator).len(), 1);
    operator.says("user show ben@example.com").ends_with(1);
}

#[test]
fn nobody_of_that_name_is_1() {
    let operator = with_people();
    for line in [
        "user show clara",
        "user disable clara",
        "user enable clara@example.com",
        "user delete clara",
        "user reset-two-factor clara",
        "user grant clara admin",
        "user revoke-role clara admin",
        "session list clara",
        "session revoke clara",
    ] {
        let said = operator.says(line).ends_with(1);
        assert!(said.contains("clara"), "{said}");
    }
    operator
        .types("user set-password clara --password-stdin", PASSWORD)
        .ends_with(1);
    assert_eq!(list(&operator).len(), 2);
}

#[test]
fn a_name_or_an_address_is_given_once() {
    let operator = with_people();
    for line in [
        "user add Anna@example.com --password-stdin",
        "user add new@example.com --username ANNA --password-stdin",
    ] {
        let said = operator.types(line, PASSWORD).ends_with(1);
        assert!(said.contains("taken") || said.contains("already"), "{said}");
    }
    assert_eq!(list(&operator).len(), 2);
}

#[test]
fn passwords_come_from_a_terminal_or_a_pipe_and_must_be_good() {
    let operator = with_people();
    for line in ["user add clara@example.com", "user set-password anna"] {
        let said = operator.types(line, PASSWORD).ends_with(2);
        assert!(said.contains("--password-stdin"), "{said}");
    }
    for poor in ["short\n", "password123\n"] {
        let said = operator
            .types("user add clara@example.com --password-stdin", poor)
            .ends_with(1);
        assert!(
            said.contains("password") && !said.contains(poor.trim()),
            "{said}"
        );
    }
    operator
        .types(
            "user set-password anna --password-stdin",
            "another-parade-of-9\n",
        )
        .done();
    assert_eq!(list(&operator).len(), 2);
}

#[test]
fn several_commands_at_once_wait_for_each_other() {
    let operator = with_people();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let operator = &operator;
            scope.spawn(move || {
                let line = format!("user add p{number}@example.com --password-stdin");
                operator.types(&line, PASSWORD).done();
            });
        }
    });
    assert_eq!(list(&operator).len(), 8);
}

#[test]
fn nobody_is_signed_in_before_somebody_was() {
    let operator = with_people();
    let sessions = operator.says("session list anna --json").done();
    assert_eq!(
        serde_json::from_str::<Value>(&sessions).unwrap(),
        serde_json::json!([])
    );
    operator.says("session revoke anna").done();
    let unknown = "00".repeat(32);
    operator
        .says(&format!("session revoke --id {unknown}"))
        .ends_with(1);
    operator.says("session revoke --id xyz").ends_with(2);
}
