//! A69: killed in the middle of registrations, code uses and password changes. What was answered holds, what was not
//! is whole or not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};

use doorward_tests::{Ask, MailServer, PASSWORD, Plan, Stack, Visitor, say, until};

/// How many do each of the three.
const EACH: usize = 67;
/// After how many answers it is killed.
const ANSWERS: usize = 80;

/// How many of one kind are under way at once.
const AT_ONCE: usize = 8;

const NEW: &str = "quite-another-77-umbrella";
const LIMIT: Duration = Duration::from_mins(1);

fn plan(plan: Plan, server: &MailServer) -> Plan {
    let address = server.address();
    plan.section(&format!(
        "[mail]\nsmtp = \"smtp://{address}\"\n[throttle]\naddress_failures = 100000\n[password]\nmemory = \"1MiB\"\nconcurrency = 2\n\
         [limits]\nconnections_per_address = 2000"
    ))
}

/// What somebody was doing, and what they were answered; nothing if the gateway was gone.
struct Act {
    name: String,
    visitor: Visitor,
    /// The code in hand, if it was about one.
    code: String,
    answer: Option<(u16, String)>,
}

impl Act {
    fn is_answered(&self, way: &str) -> bool {
        matches!(&self.answer, Some((303, to)) if to == way)
    }

    async fn register(mut self) -> Self {
        let email = format!("{}@example.com", self.name);
        let fields = [
            ("username", &*self.name),
            ("email", &email),
            ("password", PASSWORD),
        ];
        self.answer = send(&mut self.visitor, "/_auth/register", &fields).await;
        self
    }

    async fn prove(mut self) -> Self {
        let fields = [("code", &*self.code)];
        self.answer = send(&mut self.visitor, "/_auth/verify", &fields).await;
        self
    }

    async fn change(mut self) -> Self {
        let fields = [("current", PASSWORD), ("password", NEW)];
        self.answer = send(&mut self.visitor, "/_auth/account/password", &fields).await;
        self
    }
}

/// Asks until it is judged, or nobody is there any more.
async fn send(visitor: &mut Visitor, page: &str, fields: &[(&str, &str)]) -> Option<(u16, String)> {
    loop {
        let answer = visitor.try_send(&Ask::form(page, fields)).await?;
        if answer.status != 503 {
            return Some((answer.status, answer.location().to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn strangers(stack: &Stack, kind: &str, count: usize) -> Vec<Act> {
    let stranger = |index| Act {
        name: format!("{kind}{index}"),
        visitor: stack.anon(),
        code: String::new(),
        answer: None,
    };
    (0..count).map(stranger).collect()
}

/// Does all of it, a few at a time; in the order of the beginning.
async fn all(acts: Vec<BoxFuture<'static, Act>>) -> Vec<Act> {
    stream::iter(acts).buffered(AT_ONCE).collect().await
}

/// People with a code in hand.
async fn with_codes(stack: &Stack, server: &MailServer, kind: &str) -> Vec<Act> {
    let acts = strangers(stack, kind, EACH);
    let mut registered = all(acts.into_iter().map(|act| act.register().boxed()).collect()).await;
    for act in &mut registered {
        assert!(act.is_answered("/_auth/verify"), "{:?}", act.answer);
        act.code = server
            .letter(&format!("{}@example.com", act.name), LIMIT)
            .await
            .code();
    }
    registered
}

/// Starts all three; kills the gateway after [`ANSWERS`]; gives what everybody was answered:
/// registrations, codes, passwords.
async fn kill_in_the_middle(stack: &mut Stack, server: &MailServer) -> [Vec<Act>; 3] {
    let proving = with_codes(stack, server, "had").await;
    let changing = with_codes(stack, server, "was").await;
    let changing = all(changing
        .into_iter()
        .map(|act| act.prove().boxed())
        .collect())
    .await;
    let answered = Arc::new(AtomicUsize::new(0));
    let counted = |act: BoxFuture<'static, Act>| {
        let answered = Arc::clone(&answered);
        async move {
            let act = act.await;
            answered.fetch_add(usize::from(act.answer.is_some()), Ordering::SeqCst);
            act
        }
        .boxed()
    };
    let registering = strangers(stack, "new", EACH);
    let groups = [
        registering
            .into_iter()
            .map(|act| counted(act.register().boxed()))
            .collect(),
        proving
            .into_iter()
            .map(|act| counted(act.prove().boxed()))
            .collect(),
        changing
            .into_iter()
            .map(|act| counted(act.change().boxed()))
            .collect(),
    ];
    let acting = groups.map(|group| tokio::spawn(all(group)));
    until("it is in the middle of it", LIMIT, async || {
        (answered.load(Ordering::SeqCst) >= ANSWERS).then_some(())
    })
    .await;
    stack.gateway_mut().kill().await;
    let [registered, proven, changed] = acting;
    [registered.await, proven.await, changed.await].map(|acts| acts.expect("done"))
}

/// Whether it was answered and so is there; else nothing half is in the way.
async fn registered(stack: &Stack, act: Act) -> bool {
    let there = stack.anon().try_sign_in(&act.name, PASSWORD).await;
    if act.is_answered("/_auth/verify") {
        assert_eq!(
            (there.status, there.location()),
            (303, "/_auth/verify"),
            "{}",
            act.name
        );
        return true;
    }
    assert!(
        matches!(there.status, 303 | 401),
        "{}: {}",
        act.name,
        there.status
    );
    if there.status == 401 {
        let visitor = stack.anon();
        let again = Act { visitor, ..act }.register().await;
        assert!(
            again.is_answered("/_auth/verify"),
            "{}: {:?}",
            again.name,
            again.answer
        );
    }
    false
}

/// Whether it was answered and so is used up; else it still works, or did.
async fn proven(stack: &Stack, mut act: Act) -> bool {
    let visitor = act.visitor.clone();
    let (name, code) = (act.name.clone(), act.code.clone());
    let answered = act.is_answered("/");
    if answered {
        assert_eq!(
            act.visitor.page("/page").await.status,
            200,
            "{name}: signed in"
        );
    }
    let again = Act {
        name,
        visitor,
        code,
        answer: None,
    }
    .prove()
    .await;
    if answered {
        assert!(!again.is_answered("/"), "{}: twice", again.name);
    } else if !again.is_answered("/") {
        let signs_in = stack.anon().try_sign_in(&again.name, PASSWORD).await;
        assert_eq!(
            (signs_in.status, signs_in.location()),
            (303, "/"),
            "{}: used up for nothing",
            again.name
        );
    }
    answered
}

/// Whether it was answered and so is changed; else it is the one password or the other.
async fn changed(stack: &Stack, mut act: Act) -> bool {
    let old = stack.anon().try_sign_in(&act.name, PASSWORD).await.status;
    let new = stack.anon().try_sign_in(&act.name, NEW).await.status;
    if act.is_answered("/_auth/account?done=password") {
        assert_eq!((old, new), (401, 303), "{}", act.name);
        assert_eq!(
            act.visitor.page("/page").await.status,
            200,
            "{}: signed in",
            act.name
        );
        return true;
    }
    assert!(
        matches!((old, new), (401, 303) | (303, 401)),
        "{}: {old} {new}",
        act.name
    );
    false
}

on_both_stores! {
    async fn a69_killed_in_the_middle(stack) {
        let server = MailServer::start().await;
        let mut stack = plan(stack, &server).start().await;
        let [registrations, codes, passwords] = kill_in_the_middle(&mut stack, &server).await;
        stack.gateway_mut().start_again();
        stack.gateway_mut().ready().await;
        let mut kept = [0; 3];
        for act in registrations {
            kept[0] += usize::from(registered(&stack, act).await);
        }
        for act in codes {
            kept[1] += usize::from(proven(&stack, act).await);
        }
        for act in passwords {
            kept[2] += usize::from(changed(&stack, act).await);
        }
        say(&format!("killed in the middle of {EACH} registrations, codes and passwords each; answered and kept: {kept:?}"));
        for kept in kept {
            assert!((1..EACH).contains(&kept), "in the middle of each");
        }
    }
}
