//! Accounts on the command line.

use doorward_tests::{PASSWORD, Stack};

async fn exits(stack: &Stack, arguments: &[&str], code: i32) -> String {
    stack.command(arguments).await.exits(code).out
}

#[tokio::test]
async fn add_list_and_sign_in() {
    let stack = Stack::new().start().await;
    stack.add_person("anna", &["--role", "writer"]).await;
    let add = ["user", "add", "plain@example.com", "--password-stdin"];
    let _ = stack
        .command_with(&add, &format!("{PASSWORD}\n"))
        .await
        .exits(0);
    let list = exits(&stack, &["user", "list"], 0).await;
    assert!(
        list.contains("anna") && list.contains("plain@example.com"),
        "{list}"
    );
    let json = exits(&stack, &["user", "list", "--json"], 0).await;
    let people: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let people = people.as_array().expect("a list");
    assert_eq!(people.len(), 2, "{json}");
    assert!(
        json.contains("writer") && !json.contains("$argon2"),
        "{json}"
    );

    let mut anna = stack.again("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    let seen = stack.echo.last();
    assert_eq!(seen.one("Remote-User").as_deref(), Some("anna"));
    assert_eq!(
        seen.one("Remote-Email").as_deref(),
        Some("anna@example.com"),
        "verified: an operator said so"
    );
    assert!(
        seen.one("Remote-Groups")
            .is_some_and(|groups| groups.split(',').any(|role| role == "writer"))
    );
    let mut plain = stack.again("plain@example.com").await;
    assert_eq!(plain.page("/page").await.status, 200);
    assert_eq!(
        stack.echo.last().one("Remote-User").as_deref(),
        Some("plain@example.com")
    );
}

#[tokio::test]
async fn what_is_refused() {
    let stack = Stack::new().start().await;
    stack.add_person("anna", &[]).await;
    let add = |email: &'static str, name: &'static str, password: &'static str| {
        let stack = &stack;
        async move {
            let arguments = ["user", "add", email, "--username", name, "--password-stdin"];
            stack
                .command_with(&arguments, &format!("{password}\n"))
                .await
        }
    };
    for (email, name, password) in [
        ("anna@example.com", "other", PASSWORD),
        ("ANNA@EXAMPLE.COM", "other", PASSWORD),
        ("other@example.com", "Anna", PASSWORD),
        ("no-address", "other", PASSWORD),
        ("other@example.com", "oth er", PASSWORD),
        ("other@example.com", "other", "short"),
        ("other@example.com", "other", ""),
    ] {
        let ran = add(email, name, password).await;
        assert!(
            matches!(ran.code, 1 | 2),
            "{email} {name} {password}: {ran:?}"
        );
        assert!(!ran.err.is_empty(), "says what to do");
        assert!(
            !ran.err.contains(PASSWORD) && !ran.err.contains("panicked"),
            "{}",
            ran.err
        );
    }
    let _ = add("other@example.com", "other", PASSWORD).await.exits(0);
    for arguments in [
        &["user", "disable", "nobody"][..],
        &["user", "enable", "nobody"],
        &["user", "grant", "nobody", "admin"],
        &["user", "revoke-role", "nobody", "admin"],
    ] {
        exits(&stack, arguments, 1).await;
    }
    exits(&stack, &["user", "disable"], 2).await;
    exits(&stack, &["user", "vanish", "anna"], 2).await;
}

/// An operator may take a name that visitors may not.
#[tokio::test]
async fn reserved_names_are_for_operators() {
    let stack = Stack::new().start().await;
    let fields = [
        ("username", "root"),
        ("email", "root@example.com"),
        ("password", PASSWORD),
    ];
    assert_eq!(
        stack.anon().form("/_auth/register", &fields).await.status,
        422
    );
    stack.add_person("root", &["--role", "admin"]).await;
    assert_eq!(stack.again("root").await.page("/admin/x").await.status, 200);
}

#[tokio::test]
async fn closed_registration() {
    let stack = Stack::new()
        .section("[registration]\nmode = \"closed\"")
        .start()
        .await;
    let fields = [
        ("username", "anna"),
        ("email", "anna@example.com"),
        ("password", PASSWORD),
    ];
    let mut visitor = stack.anon();
    let answer = visitor.form("/_auth/register", &fields).await;
    assert!(matches!(answer.status, 403 | 404), "{}", answer.status);
    assert!(!visitor.has_token());
    stack.add_person("anna", &[]).await;
    stack.again("anna").await;
}

/// `disable` and `enable`, `set-password`: who may sign in.
#[tokio::test]
async fn who_may_sign_in() {
    let stack = Stack::new().start().await;
    stack.add_person("anna", &[]).await;
    exits(&stack, &["user", "disable", "anna@example.com"], 0).await;
    assert_eq!(stack.anon().try_sign_in("anna", PASSWORD).await.status, 401);
    exits(&stack, &["user", "enable", "anna"], 0).await;
    stack.again("anna").await;
    let weak = stack
        .command_with(
            &["user", "set-password", "anna", "--password-stdin"],
            "password\n",
        )
        .await;
    assert_ne!(weak.code, 0);
    stack.again("anna").await;
}

/// Commands print a version, and help that names them.
#[tokio::test]
async fn help() {
    let stack = Stack::new().start().await;
    let version = doorward_tests::run_in(stack.folder(), &["version"])
        .await
        .exits(0);
    assert!(version.out.contains("0.1.0"), "{}", version.out);
    let help = doorward_tests::run_in(stack.folder(), &["--help"])
        .await
        .exits(0);
    for command in ["run", "check", "user"] {
        assert!(help.out.contains(command), "{}", help.out);
    }
}

/// Nobody locks the last administrator out by mistake.
#[tokio::test]
async fn the_last_administrator() {
    let stack = Stack::new().start().await;
    stack.add_person("ada", &["--role", "admin"]).await;
    for arguments in [
        &["user", "disable", "ada"][..],
        &["user", "revoke-role", "ada", "admin"],
        &["user", "delete", "ada"],
    ] {
        exits(&stack, arguments, 1).await;
    }
    assert_eq!(stack.again("ada").await.page("/admin/x").await.status, 200);
    stack.add_person("bea", &["--role", "admin"]).await;
    exits(&stack, &["user", "disable", "ada"], 0).await;
}
