use serde_json::Value;

use super::Operator;

const PEOPLE: &str = include_str!("../../../identity/src/import/fixtures/hashes.csv");

fn with_file(name: &str, text: &str) -> Operator {
    let operator = Operator::new();
    std::fs::write(operator.home().join(name), text).unwrap();
    operator
}

fn count(operator: &Operator) -> usize {
    let list = operator.says("user list --json").done();
    serde_json::from_str::<Vec<Value>>(&list).unwrap().len()
}

#[test]
fn what_is_imported_is_exported_and_imported_again() {
    let operator = with_file("people.csv", PEOPLE);
    let said = operator.says("user import people.csv").done();
    assert!(
        said.starts_with("22 of 22 rows imported in ") && said.contains(" rows a second"),
        "{said}"
    );
    let anna: Value =
        serde_json::from_str(&operator.says("user show bcrypt-2b --json").done()).unwrap();
    assert_eq!(anna["email"], "bcrypt-2b@example.com");
    assert_eq!(anna["email_verified"], true);
    assert_eq!(anna["has_password"], true);
    let json = operator.says("user export").done();
    assert_eq!(json.lines().count(), 22);
    let csv = operator.says("user export --format csv").done();
    assert_eq!(csv, PEOPLE, "nothing was lost, nothing was added");
    for (text, name) in [(&json, "again.jsonl"), (&csv, "again.csv")] {
        let other = with_file(name, text);
        other.says(&format!("user import {name}")).done();
        assert_eq!(&other.says("user export").done(), &json, "{name}");
        let piped = Operator::new();
        piped.types("user import -", text).done();
        assert_eq!(&piped.says("user export").done(), &json, "{name} by a pipe");
    }
}

#[test]
fn bad_rows_are_named_and_exit_is_1() {
    let text = "username,email,password_hash\nanna,anna@example.com,\nben,nowhere,\nclara,clara@example.com,{SHA}x\n";
    let operator = with_file("people.csv", text);
    let strict = operator
        .says("user import --strict people.csv")
        .ends_with(1);
    assert!(strict.contains("nothing was imported"), "{strict}");
    assert_eq!(count(&operator), 0);
    let said = operator.says("user import people.csv").ends_with(1);
    assert!(
        said.contains("people.csv:3: email: This is not an e-mail address.\n"),
        "{said}"
    );
    assert!(said.contains("people.csv:4: password_hash: "), "{said}");
    assert!(!said.contains("{SHA}"), "{said}");
    assert_eq!(count(&operator), 1);
    let again = operator.says("user import people.csv").ends_with(1);
    assert!(again.contains("people.csv:2: username: "), "{again}");
}

#[test]
fn people_without_addresses_get_them_by_a_domain() {
    let hash = "$2y$04$zV9GdFRfsOTpmChsE0SLuuqKQi9FCMYZnim2fudRe.ltxAXe5u5V.";
    let operator = with_file(".htpasswd", &format!("anna:{hash}\nben:{hash}\n"));
    let said = operator.says("user import .htpasswd").ends_with(1);
    assert!(said.contains("--domain"), "{said}");
    operator
        .says("user import .htpasswd --domain example.com")
        .done();
    operator.says("user show anna@example.com").done();
    assert_eq!(count(&operator), 2);
}

#[test]
fn what_cannot_be_read() {
    let operator = with_file("odd.txt", "hello\n");
    let said = operator.says("user import nowhere.csv").ends_with(1);
    assert!(
        said.contains("nowhere.csv") && said.contains("help: nothing was imported; look at"),
        "{said}"
    );
    let said = operator.says("user import odd.txt").ends_with(2);
    assert!(said.contains("--format"), "{said}");
    operator
        .says("user import odd.txt --format yaml")
        .ends_with(2);
    let said = operator
        .says("user import odd.txt --format csv")
        .ends_with(1);
    assert!(said.contains("odd.txt:1: error: "), "{said}");
    operator.says("user export --format yaml").ends_with(2);
    assert_eq!(count(&operator), 0);
    assert_eq!(operator.says("user export").done(), "");
}
