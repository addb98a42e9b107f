//! What the upstream is told about who is asking, and that nobody but the gateway can tell it.

use doorward_tests::{Ask, Seen, Site, Stack};

const PRESETS: [(&str, &[&str]); 5] = [
    (
        "remote",
        &[
            "Remote-User",
            "Remote-Groups",
            "Remote-Email",
            "Remote-Name",
        ],
    ),
    (
        "x-forwarded",
        &[
            "X-Forwarded-User",
            "X-Forwarded-Email",
            "X-Forwarded-Groups",
            "X-Forwarded-Preferred-Username",
        ],
    ),
    (
        "x-auth-request",
        &[
            "X-Auth-Request-User",
            "X-Auth-Request-Email",
            "X-Auth-Request-Groups",
            "X-Auth-Request-Preferred-Username",
        ],
    ),
    (
        "x-webauth",
        &[
            "X-WEBAUTH-USER",
            "X-WEBAUTH-EMAIL",
            "X-WEBAUTH-NAME",
            "X-WEBAUTH-ROLE",
        ],
    ),
    (
        "authentik",
        &[
            "X-authentik-username",
            "X-authentik-email",
            "X-authentik-name",
            "X-authentik-uid",
            "X-authentik-groups",
        ],
    ),
];

/// The ways in which somebody might try to be root.
fn forgeries(path: &str) -> Vec<Ask> {
    let ask = || Ask::get(path);
    let mut all: Vec<Ask> = [
        "Remote-User",
        "Remote_User",
        "remote-user",
        "REMOTE_USER",
        "rEmOtE_uSeR",
        "Remote.User",
    ]
    .iter()
    .map(|name| ask().header(name, "root"))
    .collect();
    all.push(
        ask()
            .header("Remote-User", "root")
            .header("Remote-User", "root"),
    );
    all.push(
        ask()
            .header("Remote_User", "root")
            .header("remote-user", "root")
            .header("Remote-Groups", "admin"),
    );
    all.push(
        ask()
            .header("Connection", "close, Remote-User")
            .header("Remote-User", "root"),
    );
    all.push(ask().header("Connection", "Remote-User"));
    all.push(
        ask()
            .header("Connection", "keep-alive")
            .header("connection", "Remote-Groups, remote-email"),
    );
    all.push(
        ask()
            .header("Upgrade", "anything")
            .header("Remote-User", "root"),
    );
    all.push(
        ask()
            .header("Connection", "Upgrade")
            .header("Upgrade", "anything")
            .header("Remote-User", "root"),
    );
    all.push(
        ask()
            .header("Connection", "Upgrade, Remote-User")
            .header("Upgrade", "h2c"),
    );
    all.push(
        ask()
            .header("X-Doorward-Assertion", "forged")
            .header("X_Doorward_Assertion", "forged"),
    );
    all
}

fn nobody(seen: &Seen) {
    for (_, names) in PRESETS {
        for name in names {
            assert_eq!(
                seen.all(name),
                Vec::<String>::new(),
                "{name} in\n{}",
                seen.text()
            );
        }
    }
    assert!(
        !seen.text().contains("root") && !seen.text().contains("forged"),
        "{}",
        seen.text()
    );
}

#[tokio::test]
async fn a02_forged_by_somebody_signed_in() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    for (path, ask) in forgeries("/page")
        .into_iter()
        .map(|ask| ("/page", ask))
        .chain(
            forgeries("/public/page")
                .into_iter()
                .map(|ask| ("/public/page", ask)),
        )
    {
        let before = stack.echo.count();
        let answer = anna.send(&ask).await;
        if answer.status == 400 {
            assert_eq!(stack.echo.count(), before, "refused is refused: {ask:?}");
            continue;
        }
        assert_eq!(answer.status, 200, "{ask:?}");
        let seen = stack.echo.last();
        assert_eq!(seen.target(), path);
        assert_eq!(
            seen.one("Remote-User").as_deref(),
            Some("anna"),
            "{ask:?}\n{}",
            seen.text()
        );
        assert_eq!(
            seen.one("Remote-Groups").as_deref(),
            Some("user"),
            "{}",
            seen.text()
        );
        assert!(
            !seen.text().contains("root") && !seen.text().contains("forged"),
            "{}",
            seen.text()
        );
    }
}

#[tokio::test]
async fn a01_forged_by_a_stranger_on_an_open_page() {
    let stack = Stack::new().start().await;
    for ask in forgeries("/public/page") {
        let before = stack.echo.count();
        let answer = stack.anon().send(&ask).await;
        if answer.status == 400 {
            assert_eq!(stack.echo.count(), before, "refused is refused: {ask:?}");
            continue;
        }
        assert_eq!(answer.status, 200, "{ask:?}");
        nobody(&stack.echo.last());
    }
}

/// `Upgrade` and `Connection` change nothing about who may pass.
#[tokio::test]
async fn a24_an_upgrade_is_no_way_round() {
    let stack = Stack::new().start().await;
    for ask in forgeries("/page") {
        let answer = stack.anon().send(&ask).await;
        assert!(
            matches!(answer.status, 302 | 400 | 401),
            "{} to {ask:?}",
            answer.status
        );
    }
    assert_eq!(stack.echo.count(), 0);
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(
        anna.get("/page").await.status,
        200,
        "the honest request still works"
    );
}

/// The names of every preset are taken from every request, whichever preset the site has.
#[tokio::test]
async fn a02_every_preset() {
    let mut plan = Stack::new();
    for (preset, _) in PRESETS {
        plan = plan.site(
            Site::usual()
                .host(&format!("{preset}.test"))
                .line(&format!("identity = \"{preset}\"")),
        );
    }
    let stack = plan.start().await;
    stack.add_person("anna", &["--role", "writer"]).await;
    for (preset, own) in PRESETS {
        let host = format!("{preset}.test");
        let mut anna = stack.anon().on_host(&host);
        anna.sign_in("anna", doorward_tests::PASSWORD).await;
        let mut ask = Ask::get("/page");
        let every = PRESETS.iter().flat_map(|(_, names)| names.iter());
        for name in every.clone() {
            ask = ask
                .header(name, "root")
                .header(&name.to_lowercase().replace('-', "_"), "root");
        }
        assert_eq!(anna.send(&ask).await.status, 200, "{preset}");
        let seen = stack.echo.last();
        assert!(!seen.text().contains("root"), "{preset}: {}", seen.text());
        for name in every {
            assert_eq!(
                seen.all(name).len(),
                usize::from(own.contains(name)),
                "{preset}: {name}\n{}",
                seen.text()
            );
        }
        let mut stranger = stack.anon().on_host(&host);
        assert_eq!(stranger.send(&ask).await.status, 302, "{preset}");
    }
}

/// What each preset says of Anna, besides her roles.
const SAID: [(&str, &[(&str, &str)]); 6] = [
    (
        "remote",
        &[
            ("Remote-User", "anna"),
            ("Remote-Email", "anna@example.com"),
        ],
    ),
    (
        "x-forwarded",
        &[
            ("X-Forwarded-User", "anna"),
            ("X-Forwarded-Preferred-Username", "anna"),
        ],
    ),
    (
        "x-auth-request",
        &[
            ("X-Auth-Request-User", "anna"),
            ("X-Auth-Request-Email", "anna@example.com"),
        ],
    ),
    (
        "x-webauth",
        &[
            ("X-WEBAUTH-USER", "anna"),
            ("X-WEBAUTH-EMAIL", "anna@example.com"),
        ],
    ),
    (
        "authentik",
        &[
            ("X-authentik-username", "anna"),
            ("X-authentik-email", "anna@example.com"),
        ],
    ),
    ("own", &[("X-U", "anna"), ("X-E", "anna@example.com")]),
];

#[tokio::test]
async fn what_each_preset_says() {
    let mut plan = Stack::new();
    for (preset, _) in PRESETS {
        plan = plan.site(
            Site::new()
                .host(&format!("{preset}.test"))
                .line(&format!("identity = \"{preset}\"")),
        );
    }
    let own = "identity = { user = \"X-U\", groups = \"X-G\", email = \"X-E\", name = \"X-N\" }";
    let stack = plan
        .site(Site::new().host("own.test").line(own))
        .site(Site::new().host("none.test").line("identity = \"none\""))
        .start()
        .await;
    stack
        .add_person("anna", &["--role", "writer", "--role", "user"])
        .await;
    for (site, headers) in SAID {
        let mut anna = stack.anon().on_host(&format!("{site}.test"));
        anna.sign_in("anna", doorward_tests::PASSWORD).await;
        assert_eq!(anna.get("/page").await.status, 200);
        let seen = stack.echo.last();
        for (name, value) in headers {
            assert_eq!(
                seen.one(name).as_deref(),
                Some(*value),
                "{site}: {}",
                seen.text()
            );
        }
        let separator = if site == "authentik" { "|" } else { "," };
        let groups = [
            "Remote-Groups",
            "X-Forwarded-Groups",
            "X-Auth-Request-Groups",
            "X-authentik-groups",
            "X-G",
        ];
        if let Some(roles) = groups.iter().find_map(|name| seen.one(name)) {
            let mut roles: Vec<&str> = roles.split(separator).collect();
            roles.sort_unstable();
            assert_eq!(roles, ["user", "writer"], "{site}");
        } else {
            assert!(
                seen.one("X-WEBAUTH-ROLE")
                    .is_some_and(|role| role == "user" || role == "writer"),
                "{site}"
            );
        }
    }
    let mut anna = stack.anon().on_host("none.test");
    anna.sign_in("anna", doorward_tests::PASSWORD).await;
    assert_eq!(anna.get("/page").await.status, 200);
    nobody(&stack.echo.last());
}

/// Names in UTF-8 arrive as they are.
#[tokio::test]
async fn a_name_beyond_ascii() {
    let stack = Stack::new().start().await;
    let mut visitor = stack.anon();
    let fields = [
        ("username", "zoe"),
        ("email", "zoe@example.com"),
        ("password", doorward_tests::PASSWORD),
        ("first_name", "Zoë"),
        ("last_name", "Łukasz-Ö"),
    ];
    assert_eq!(visitor.form("/_auth/register", &fields).await.status, 303);
    assert_eq!(visitor.get("/page").await.status, 200);
    let seen = stack.echo.last();
    assert_eq!(seen.one("Remote-Name").as_deref(), Some("Zoë Łukasz-Ö"));
    assert_eq!(
        seen.one("Remote-Email").as_deref().unwrap_or_default(),
        "",
        "nobody has verified that address"
    );
}
