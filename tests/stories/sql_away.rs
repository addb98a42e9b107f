//! The database server goes away, freezes and comes back: who is signed in by Redis goes on, nobody else gets
//! anywhere, nothing is half done.

use std::time::{Duration, Instant};

use super::api_keys::{get, key};
use doorward_tests::{PASSWORD, SQL_PASSWORD, Sql, Stack, Store, Visitor, say, until};

/// Within this everything that needs the database says 503.
const NOTICED: Duration = Duration::from_secs(2);
/// Within this everything works again by itself.
const RECOVERED: Duration = Duration::from_secs(5);

fn newcomer(name: &str) -> [(&'static str, String); 3] {
    [
        ("username", name.to_owned()),
        ("email", format!("{name}@example.com")),
        ("password", PASSWORD.to_owned()),
    ]
}

async fn register(visitor: &mut Visitor, name: &str) -> u16 {
    let fields = newcomer(name);
    let fields = fields.each_ref().map(|(key, value)| (*key, value.as_str()));
    visitor.form("/_auth/register", &fields).await.status
}

/// Everything that needs an account is 503, in time.
async fn nobody_can_be_asked(stack: &Stack) {
    let before = stack.echo.count();
    let registration = newcomer("ghost");
    let registration = registration
        .each_ref()
        .map(|(key, value)| (*key, value.as_str()));
    let login = [("login", "anna"), ("password", PASSWORD)];
    for (page, fields) in [
        ("login", &login[..]),
        ("register", &registration[..]),
        ("recover", &[("email", "anna@example.com")]),
    ] {
        let mut visitor = stack.anon();
        let asked = Instant::now();
        let answer = visitor.form(&format!("/_auth/{page}"), fields).await;
        let took = asked.elapsed();
        assert_eq!(answer.status, 503, "{page}: {}", answer.text());
        assert!(answer.header("retry-after").is_some(), "{page}");
        assert!(took < NOTICED, "{page} said 503 after {took:?}");
        assert!(!visitor.has_token(), "{page}");
    }
    assert_eq!(stack.echo.count(), before, "the site saw nothing");
    assert_eq!(stack.anon().page("/public/page").await.status, 200);
    assert_eq!(stack.anon().page("/page").await.status, 302);
    stack.gateway().readiness(503, RECOVERED).await;
}

/// Signing in works again by itself, and what was never acknowledged was not done by half.
async fn recovers(stack: &Stack) {
    let start = Instant::now();
    until("somebody can sign in again", RECOVERED, async || {
        let status = stack.anon().try_sign_in("anna", PASSWORD).await.status;
        assert!(matches!(status, 303 | 503), "{status}");
        (status == 303).then_some(())
    })
    .await;
    say(&format!(
        "database back: signed in after {:?}",
        start.elapsed()
    ));
    for _ in 0..10 {
        assert_eq!(stack.again("anna").await.page("/page").await.status, 200);
    }
    stack.gateway().readiness(200, RECOVERED).await;
    let people = stack.command(&["user", "list", "--json"]).await.exits(0);
    assert!(!people.out.contains("ghost"), "{}", people.out);
}

/// Nobody is there without their roles.
fn nobody_is_half_made(stack: &Stack) {
    let half = "SELECT count(*) FROM account WHERE NOT EXISTS \
         (SELECT 1 FROM account_role WHERE account_role.account_id = account.id)";
    assert_eq!(stack.sql().ask_in(stack.database(), half), "0");
    let all = "SELECT count(*) > 0 FROM account";
    let found = stack.sql().ask_in(stack.database(), all);
    assert!(matches!(found.as_str(), "t" | "1"), "{found}");
}

/// Sessions in Redis: whoever is signed in goes on.
async fn those_inside_go_on(sql: Sql) {
    let plan = Stack::new().store(Store::Redis).own_database(sql);
    let mut stack = plan.start().await;
    let mut anna = stack.sign_in("anna").await;
    let mut quiet = stack.again("anna").await;
    let mut program = stack.anon();
    let known = key(&stack, "anna", &[]).await;
    let fresh = key(&stack, "anna", &[]).await;
    assert_eq!(get(&mut program, &known, "/page").await.status, 200);
    for frozen in [false, true] {
        if frozen {
            stack.sql().freeze();
        } else {
            stack.sql().kill();
        }
        nobody_can_be_asked(&stack).await;
        for visitor in [&mut anna, &mut quiet] {
            for _ in 0..20 {
                assert_eq!(visitor.page("/page").await.status, 200, "signed in");
            }
        }
        let status = get(&mut program, &known, "/page").await.status;
        assert_eq!(status, 200, "a key that is in use");
        let user = stack.echo.last().one("Remote-User");
        assert_eq!(user.as_deref(), Some("anna"));
        if !frozen {
            let asked = Instant::now();
            let status = get(&mut program, &fresh, "/page").await.status;
            assert_eq!(status, 503, "one that was never used");
            assert!(asked.elapsed() < NOTICED, "{:?}", asked.elapsed());
        }
        if frozen {
            stack.sql().thaw();
        } else {
            let ran = stack.command(&["user", "list"]).await.exits(69);
            assert!(ran.err.contains("start the database"), "{}", ran.err);
            assert!(!ran.err.contains(SQL_PASSWORD), "{}", ran.err);
            stack.sql_mut().start_again();
        }
        recovers(&stack).await;
    }
    assert_eq!(register(&mut stack.anon(), "ghost").await, 303);
    nobody_is_half_made(&stack);
    assert!(!stack.gateway().log().contains(SQL_PASSWORD));
}

#[tokio::test]
async fn a68_those_inside_go_on_without_postgres() {
    those_inside_go_on(Sql::Postgres).await;
}

/// Sessions in the same database: nobody can be known.
async fn nobody_is_known(sql: Sql) {
    let mut stack = Stack::new().own_database(sql).start().await;
    let mut anna = stack.sign_in("anna").await;
    for frozen in [false, true] {
        assert_eq!(anna.page("/page").await.status, 200);
        if frozen {
            stack.sql().freeze();
        } else {
            stack.sql().kill();
        }
        until("a known session is told 503", NOTICED, async || {
            let status = anna.page("/page").await.status;
            assert!(matches!(status, 200 | 503), "{status}");
            (status == 503).then_some(())
        })
        .await;
        nobody_can_be_asked(&stack).await;
        let before = stack.echo.count();
        let asked = Instant::now();
        assert_eq!(anna.page("/page").await.status, 503);
        assert!(asked.elapsed() < NOTICED, "{:?}", asked.elapsed());
        assert_eq!(stack.echo.count(), before, "the site saw nothing");
        if frozen {
            stack.sql().thaw();
        } else {
            stack.sql_mut().start_again();
        }
        until("the known session is let in again", RECOVERED, async || {
            let status = anna.page("/page").await.status;
            assert!(matches!(status, 200 | 503), "{status}");
            (status == 200).then_some(())
        })
        .await;
        recovers(&stack).await;
    }
}

#[tokio::test]
async fn a68_nobody_is_known_without_postgres() {
    nobody_is_known(Sql::Postgres).await;
}

#[tokio::test]
async fn a68_nobody_is_known_without_mariadb() {
    nobody_is_known(Sql::MariaDb).await;
}

/// It crashes while many register: who was told "welcome" is there, and nobody is there by half.
#[tokio::test]
async fn a69_crashed_in_the_middle_of_registrations() {
    let plan = Stack::new().store(Store::Redis).own_database(Sql::Postgres);
    let mut stack = plan
        .section("[throttle]\naddress_failures = 1000")
        .start()
        .await;
    stack.add_person("anna", &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let mut visitor = stack.anon();
        tasks.spawn(async move {
            let name = format!("person{n}");
            let status = register(&mut visitor, &name).await;
            (name, status)
        });
    }
    let mut welcome = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (name, status) = done.expect("a registration");
        assert!(matches!(status, 303 | 503), "{name}: {status}");
        if status == 303 {
            welcome.push(name);
        }
        if welcome.len() == 5 && status == 303 {
            stack.sql().kill();
        }
    }
    assert!(welcome.len() >= 5, "{welcome:?}");
    stack.sql_mut().start_again();
    recovers(&stack).await;
    nobody_is_half_made(&stack);
    for name in &welcome {
        stack.again(name).await;
    }
}

/// The way to the server can be proven, and then nobody else is believed to be it.
#[tokio::test]
async fn only_the_right_server_is_believed() {
    for (sql, verify, ca) in [
        (Sql::Postgres, "sslmode=verify-full", "sslrootcert"),
        (Sql::MariaDb, "ssl-mode=VERIFY_IDENTITY", "ssl-ca"),
    ] {
        let server = sql.shared();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let other = folder.path().join("other.pem");
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        std::fs::write(&other, made.expect("a certificate").cert.pem()).expect("written");
        let database = server.database();
        for (file, code) in [(server.certificate(), 0), (other, 69)] {
            let url = format!("{database}?{verify}&{ca}={}", file.display());
            let config = format!("[database]\nurl = \"{url}\"\n[[site]]\nupstream = \"none\"\n");
            std::fs::write(folder.path().join("doorward.toml"), config).expect("written");
            let ran = doorward_tests::run_in(folder.path(), &["check"]).await;
            assert_eq!(ran.code, code, "{sql:?}: {ran:?}");
            assert!(!ran.err.contains(SQL_PASSWORD), "{}", ran.err);
        }
    }
}
