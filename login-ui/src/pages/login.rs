//! Signing in.

use askama::Template;
use axum::response::Response;
use doorward_config::RegistrationMode;
use doorward_identity::session::Remembered;
use doorward_identity::sign_in::{Attempt, SignIn, sign_in};
use http::{Method, StatusCode};

use crate::answer::{self, Wait};
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::{FormState, Problem};
use crate::frame::Frame;
use crate::pages::handover;
use crate::to::To;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    frame: Frame,
    form: FormState,
    to: To,
    remembered: Remembered,
    registration: RegistrationMode,
    done: Option<&'static str>,
}

impl Page {
    /// The pointer starts in the first field only of a form that nobody has touched.
    fn login_attributes(&self) -> &'static str {
        if self.form.is_blank() {
            "required autocapitalize=\"none\" autocorrect=\"off\" spellcheck=\"false\" inputmode=\"email\" autofocus"
        } else {
            "required autocapitalize=\"none\" autocorrect=\"off\" spellcheck=\"false\" inputmode=\"email\""
        }
    }
}

/// The form; whoever is signed in already is sent on.
pub(crate) async fn get(visit: Visit, method: Method) -> Result<Response, Failure> {
    let to = visit.to(visit.query.get("to"));
    if let Some(session) = visit.session().await?
        // Who only asks what would come is given no ticket.
        && (method == Method::GET || to.elsewhere().is_none())
        && let Some(response) = handover::send_on(&visit, &session, &to).await?
    {
        return Ok(response);
    }
    let mut form = FormState::default();
    if !visit.query.get("over").is_empty() {
        form = form.alert(
            "That took too long, or there were too many codes. Sign in again.",
            &[],
        );
    }
    show(&visit, StatusCode::OK, Remembered::No, to, form)
}

/// The try.
pub(crate) async fn post(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let to = visit.to_of(&fields);
    let remember = if fields.get("remember").is_empty() {
        Remembered::No
    } else {
        Remembered::Yes
    };
    let form = FormState::keeping(&fields, &["login"]);
    let missing = missing(&fields);
    if !missing.is_empty() {
        return show(
            &visit,
            StatusCode::UNAUTHORIZED,
            remember,
            to,
            form.problems(missing),
        );
    }
    let attempt = Attempt {
        login: fields.get("login"),
        password: fields.get("password"),
        remember,
        client: &visit.client,
        former: visit.carried(),
    };
    let wait = match sign_in(&visit.ui.identity, &visit.live, attempt).await? {
        SignIn::Welcome(opened) => {
            return answer::welcome(&visit, &opened, &visit.way_after_form(&to));
        }
        SignIn::CodeNeeded(flow) => {
            let path = visit.portal(&format!("login/code{}", to.query()));
            return answer::next_step(&visit, &flow, &path);
        }
        SignIn::Unverified(flow) => {
            let path = visit.portal(&format!("verify{}", to.query()));
            return answer::next_step(&visit, &flow, &path);
        }
        SignIn::Refused => {
            let form = form.alert(
                "That name and password don’t match.",
                &["login", "password"],
            );
            return show(&visit, StatusCode::UNAUTHORIZED, remember, to, form);
        }
        SignIn::Slow { retry_after } => Wait::Slowed(retry_after),
        SignIn::Busy { retry_after } => Wait::Busy(retry_after),
    };
    let form = form.alert(wait.words(), &[]);
    Ok(wait.on(show(&visit, wait.status(), remember, to, form)?))
}

/// An empty form is never a try.
fn missing(fields: &Fields) -> Vec<Problem> {
    let empty = |field: &&str| fields.get(field).is_empty();
    let needed = |field| Problem {
        field,
        text: "This is needed.".into(),
    };
    ["login", "password"]
        .into_iter()
        .filter(empty)
        .map(needed)
        .collect()
}

fn show(
    visit: &Visit,
    status: StatusCode,
    remembered: Remembered,
    to: To,
    form: FormState,
) -> Result<Response, Failure> {
    let mut frame = Frame::new(&visit.live, "Sign in");
    frame.failed = form.has_failed();
    let registration = visit.live.registration.mode;
    answer::page(
        status,
        &Page {
            frame,
            form,
            to,
            remembered,
            registration,
            done: (visit.query.get("done") == "deleted").then_some("Your account is deleted."),
        },
    )
}
