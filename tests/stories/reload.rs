//! The configuration changes while the gateway runs: taken as a whole or not at all, and nobody is cut off.

use std::time::{Duration, Instant};

use doorward_tests::{
    Answer, Ask, Authority, Echo, Gateway, Pipe, Speech, Stack, Visitor, Wire, say, until,
};
use rustix::process::Signal;

/// What is changed must be seen within this.
const SEEN: Duration = Duration::from_secs(1);
/// What is over must be over within this.
const CLOSED: Duration = Duration::from_secs(5);

async fn reloads(stack: &Stack, outcome: &str) -> Option<f64> {
    let series = format!("doorward_config_reloads_total{{outcome=\"{outcome}\"}}");
    stack.gateway().metric(&series).await
}

async fn ask(wire: &mut Wire, visitor: &Visitor, ask: &Ask) -> Answer {
    let answer = wire.exchange(&visitor.bytes(ask)).await;
    answer.expect("the connection stays")
}

/// Rules, upstream, pages and limits change; sessions and connections stay.
#[tokio::test]
async fn changes_are_seen_at_once() {
    let stack = Stack::new()
        .section("[portal]\ntitle = \"Before\"\n[limits]\nheader_count = 90")
        .start()
        .await;
    let other = Echo::start().await;
    let mut anna = stack.sign_in("anna").await;
    let mut wire = anna.wire().await;
    let page = Ask::get("/page");
    assert_eq!(ask(&mut wire, &anna, &page).await.status, 200);
    assert!(anna.page("/_auth/login").await.location() == "/");
    assert!(
        stack
            .anon()
            .page("/_auth/login")
            .await
            .text()
            .contains("Before")
    );
    let mut many = page.clone();
    for number in 0..50 {
        many = many.header(&format!("X-Many-{number}"), "1");
    }
    assert_eq!(ask(&mut wire, &anna, &many).await.status, 200);

    let (old, new) = (
        stack.echo.address().to_string(),
        other.address().to_string(),
    );
    let closed = "[[site.rule]]\npath = \"/closed/**\"\nallow = \"nobody\"\n[[site.rule]]\nallow = \"signed_in\"";
    stack.edit(|text| {
        text.replace(&old, &new)
            .replace("Before", "After")
            .replace("header_count = 90", "header_count = 40")
            .replace("[[site.rule]]\nallow = \"signed_in\"", closed)
    });
    assert_eq!(
        ask(&mut wire, &anna, &Ask::get("/closed/x")).await.status,
        200,
        "not asked yet"
    );
    stack.gateway().signal(Signal::HUP);
    let asked = Instant::now();
    until("the rule holds", SEEN, async || {
        let answer = ask(&mut wire, &anna, &Ask::get("/closed/x")).await;
        (answer.status == 403).then_some(())
    })
    .await;
    say(&format!(
        "a changed rule held {:?} after SIGHUP",
        asked.elapsed()
    ));
    let before = stack.echo.count();
    assert_eq!(
        ask(&mut wire, &anna, &page).await.status,
        200,
        "the same connection"
    );
    assert_eq!(other.last().target(), "/page");
    assert_eq!(
        stack.echo.count(),
        before,
        "nothing goes to the old upstream"
    );
    assert_eq!(ask(&mut wire, &anna, &many).await.status, 431);
    let title = stack.anon().page("/_auth/login").await.text();
    assert!(
        title.contains("After") && !title.contains("Before"),
        "{title}"
    );
    assert_eq!(reloads(&stack, "ok").await, Some(1.0));

    // The pages may move, and sites come and go.
    stack.edit(|text| {
        text.replace("title = \"After\"", "title = \"After\"\npath = \"/door\"")
            .replace("host = \"*\"", "host = \"127.0.0.1\"")
    });
    stack.gateway().reload("ok").await;
    let mut ben = stack.anon();
    assert_eq!(ben.page("/page").await.location(), "/door/login?to=%2Fpage");
    assert_eq!(ben.page("/door/login?to=%2Fpage").await.status, 200);
    assert_eq!(anna.page("/page").await.status, 200, "still signed in");
    assert_eq!(anna.on_host("else.test").get("/page").await.status, 421);
    let upgrades = stack.gateway().messages();
    assert!(
        upgrades.iter().all(|(level, _)| level != "ERROR"),
        "{upgrades:?}"
    );
}

/// A file with mistakes is told in the words of `check`, and nothing changes.
#[tokio::test]
async fn a_bad_file_changes_nothing() {
    let stack = Stack::new()
        .section("[portal]\ntitle = \"Before\"")
        .start()
        .await;
    let mut anna = stack.sign_in("anna").await;
    let mut good = String::new();
    stack.edit(|text| {
        good.clone_from(&text);
        format!("[sesion]\nidle = 3\n{}", text.replace("Before", "After"))
            .replace("allow = \"nobody\"", "allow = \"nobdy\"")
    });
    stack.gateway().reload("error").await;
    let checked = stack.command(&["check", "--offline"]).await.exits(78);
    let problems: Vec<&str> = checked
        .err
        .lines()
        .filter(|line| line.contains("doorward-0.toml:"))
        .collect();
    assert_eq!(problems.len(), 2, "{}", checked.err);
    let over = "the configuration was not taken; it is unchanged";
    until("it is said", SEEN, async || {
        let said = stack.gateway().messages();
        said.iter().any(|(_, line)| line == over).then_some(())
    })
    .await;
    let said = stack.gateway().messages();
    for problem in problems {
        let found = said
            .iter()
            .any(|(level, line)| level == "ERROR" && line == problem);
        assert!(found, "{problem} in {said:?}");
    }
    assert_eq!(anna.page("/page").await.status, 200);
    assert!(
        stack
            .anon()
            .page("/_auth/login")
            .await
            .text()
            .contains("Before")
    );

    // A folder that is gone, which only shows when the sites are compiled, counts the same.
    stack.edit(|_| good.replace("http://", "files:/nowhere/"));
    stack.gateway().reload("error").await;
    assert_eq!(anna.page("/page").await.status, 200);
    stack.edit(|_| good.replace("Before", "After"));
    stack.gateway().reload("ok").await;
    assert!(
        stack
            .anon()
            .page("/_auth/login")
            .await
            .text()
            .contains("After")
    );
    assert_eq!(reloads(&stack, "ok").await, Some(1.0));
    assert_eq!(reloads(&stack, "error").await, Some(2.0));
}

/// A file that is gone is a mistake: the defaults do not take its place.
#[tokio::test]
async fn a_file_that_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("doorward.toml");
    let text = "[portal]\ntitle = \"Mine\"\n[[site]]\nupstream = \"none\"\n";
    std::fs::write(&file, text).expect("written");
    let gateway = Gateway::unconfigured(folder.path()).await;
    let mut anon = Visitor::at(gateway.gate());
    std::fs::remove_file(&file).expect("removed");
    gateway.reload("error").await;
    until("it is said", SEEN, async || {
        let said = gateway.messages();
        let mut said = said.iter();
        said.find(|(level, line)| level == "ERROR" && line.starts_with("./doorward.toml: "))
            .map(drop)
    })
    .await;
    assert!(anon.page("/_auth/login").await.text().contains("Mine"));
    std::fs::write(&file, text.replace("Mine", "Ours")).expect("written");
    gateway.reload("ok").await;
    assert!(anon.page("/_auth/login").await.text().contains("Ours"));
}

/// Certificates come with a reload; one that cannot be used keeps everything as it is.
#[tokio::test]
async fn certificates() {
    let stack = Stack::new().tls(&["app.test"]).start().await;
    let other = Authority::new("Another");
    let folder = stack.folder();
    let (chain, key) = (folder.join("other.pem"), folder.join("other.key"));
    let issued = other.issue(&chain, &key, &["other.test"]);
    let shown = async || {
        let pipe = Pipe::plain(stack.gateway().tls()).await.expect("connected");
        let pipe = pipe.encrypt("other.test", other.trusted_by(&["h2"])).await;
        pipe.ok().and_then(|pipe| pipe.certificate())
    };
    assert_eq!(shown().await, None);
    let section = format!(
        "\n[[certificate]]\nchain = \"{}\"\nkey = \"{}\"\n",
        chain.display(),
        key.display()
    );
    stack.edit(|text| text + &section);
    stack.gateway().reload("ok").await;
    assert_eq!(shown().await, Some(issued.clone()));
    std::fs::write(&key, "no key").expect("written");
    stack.edit(|text| text.replace("nobody", "anyone"));
    stack.gateway().reload("error").await;
    assert_eq!(shown().await, Some(issued));
    let mut visitor = stack.secure(Speech::Http2, "app.test");
    assert_eq!(
        visitor.get("/deny/x").await.status,
        403,
        "nothing else was taken either"
    );
}

/// What only a restart can change is named, each time, and the rest is taken.
#[tokio::test]
async fn what_needs_a_restart_is_named() {
    let stack = Stack::new()
        .section("[portal]\ntitle = \"Before\"")
        .start()
        .await;
    let last = || {
        let said = stack.gateway().messages();
        said.into_iter()
            .rev()
            .find(|(level, _)| level == "WARN")
            .map(|(_, line)| line)
    };
    stack.gateway().reload("ok").await;
    assert_eq!(last(), None, "nothing changed");
    stack.edit(|text| {
        text.replace("[server]\n", "[server]\ndrain = \"7s\"\n")
            .replace("Before", "After")
    });
    stack.gateway().reload("ok").await;
    until("it is said", SEEN, async || last()).await;
    assert_eq!(last().as_deref(), Some("server.drain needs a restart"));
    assert!(
        stack
            .anon()
            .page("/_auth/login")
            .await
            .text()
            .contains("After")
    );
    let free = doorward_tests::free_port();
    stack.edit(|text| {
        let text = text.replacen(
            "listen = [",
            &format!("listen = [\"127.0.0.1:{free}\", "),
            1,
        );
        text + "\n[log]\nformat = \"json\"\n[password]\niterations = 3\n"
    });
    stack.gateway().reload("ok").await;
    let all = "server.listen, server.drain, log.format, password.iterations need a restart";
    until("it is said", SEEN, async || {
        last().filter(|line| line == all)
    })
    .await;
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", free))
            .await
            .is_err()
    );
}

/// Whoever asks too early is not obeyed at once, but the gateway lives.
#[tokio::test]
async fn too_early() {
    let mut stack = Stack::new().start().await;
    for _ in 0..5 {
        stack.gateway_mut().kill().await;
        let started = Instant::now();
        stack.gateway_mut().start_again();
        until("SIGHUP is heard", CLOSED, async || {
            stack.gateway().hears(Signal::HUP).then_some(())
        })
        .await;
        let heard = started.elapsed();
        stack.gateway().signal(Signal::HUP);
        stack.gateway_mut().ready().await;
        say(&format!(
            "SIGHUP was heard {heard:?} after the start, requests {:?}",
            started.elapsed()
        ));
        let taken = "doorward_config_reloads_total{outcome=\"ok\"}";
        until("what was asked is done", CLOSED, async || {
            (stack.gateway().metric(taken).await == Some(1.0)).then_some(())
        })
        .await;
    }
}

/// What is open is judged by the new rules; what they still allow is not touched.
#[tokio::test]
async fn open_connections() {
    let stack = Stack::new().start().await;
    let anna = stack.sign_in("anna").await;
    let mut kept = anna.websocket("/kept/ws").await.expect("a WebSocket");
    let mut lost = anna.websocket("/lost/ws").await.expect("a WebSocket");
    let mut stranger = stack
        .anon()
        .websocket("/public/lost/ws")
        .await
        .expect("a WebSocket");
    let mut guest = stack
        .anon()
        .websocket("/public/kept/ws")
        .await
        .expect("a WebSocket");
    // A connection is watched from its second on, so that this one has to hear of the change.
    let opened = Instant::now();
    until("they are watched", CLOSED, async || {
        (opened.elapsed() > Duration::from_millis(1500)).then_some(())
    })
    .await;
    stack.gateway().reload("ok").await;
    for socket in [&mut kept, &mut lost, &mut stranger, &mut guest] {
        socket.is_alive().await;
    }
    stack.edit(|text| {
        let rules = "[[site.rule]]\npath = \"/lost/**\"\nallow = [\"role:admin\"]\n\
                     [[site.rule]]\npath = \"/public/lost/**\"\nallow = \"signed_in\"\n";
        text.replacen("[[site.rule]]\n", &format!("{rules}[[site.rule]]\n"), 1)
    });
    let asked = Instant::now();
    stack.gateway().reload("ok").await;
    for (whose, socket) in [("somebody's", &mut lost), ("a stranger's", &mut stranger)] {
        socket.closed(CLOSED).await;
        let took = asked.elapsed();
        say(&format!(
            "{whose} WebSocket was closed within {took:?} of a SIGHUP that forbids it"
        ));
    }
    kept.is_alive().await;
    guest.is_alive().await;
    assert_eq!(anna.websocket("/lost/ws").await.err(), Some(403));
}
