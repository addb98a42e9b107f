//! Making an account.

use askama::Template;
use axum::response::Response;
use doorward_config::{RegistrationMode, UsernameRule};
use doorward_identity::invite;
use doorward_identity::register::{NewAccount, Registered, register};
use http::StatusCode;

use crate::answer::{self, Wait};
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::FormState;
use crate::frame::Frame;
use crate::pages::fields;
use crate::to::To;
use crate::visit::Visit;

/// What may be left out, and is folded away until it matters.
const OPTIONAL: &[&str] = &["first_name", "last_name", "date_of_birth"];

#[derive(Template)]
#[template(path = "register.html")]
struct Page {
    frame: Frame,
    form: FormState,
    to: To,
    /// What the link of an invitation carries.
    invite: String,
    username: UsernameRule,
    password_hint: String,
}

impl Page {
    fn username_label(&self) -> &'static str {
        match self.username {
            UsernameRule::Required => "Username",
            UsernameRule::Optional => "Username (optional)",
        }
    }
}

/// The form; whoever is signed in already is sent on.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let to = visit.to(visit.query.get("to"));
    if visit.session().await?.is_some() {
        return answer::see_other(&visit.way(&to));
    }
    let invite = visit.query.get("invite").to_owned();
    let form = match open(&visit, &invite).await? {
        Door::Open => FormState::default(),
        Door::Invited(email) => FormState::filled(vec![("email", email)]),
        Door::Unneeded => {
            let text =
                "That invitation doesn’t work any more. You can create an account without it.";
            return show(
                &visit,
                StatusCode::OK,
                (to, String::new()),
                FormState::default().alert(text, &[]),
            );
        }
        Door::Closed(failure) => return Err(failure),
    };
    show(&visit, StatusCode::OK, (to, invite), form)
}

/// Whether somebody may come in.
enum Door {
    Open,
    /// With this address.
    Invited(String),
    /// The invitation does not work, but anybody may.
    Unneeded,
    Closed(Failure),
}

async fn open(visit: &Visit, invite: &str) -> Result<Door, Failure> {
    let mode = visit.live.registration.mode;
    if mode == RegistrationMode::Closed {
        return Ok(Door::Closed(Failure::Closed));
    }
    if invite.is_empty() {
        return Ok(match mode {
            RegistrationMode::Open => Door::Open,
            _ => Door::Closed(Failure::Closed),
        });
    }
    let found = invite::find(&visit.ui.identity, invite).await?;
    Ok(match (found, mode) {
        (Some(invitation), _) => Door::Invited(invitation.address.as_str().to_owned()),
        (None, RegistrationMode::Open) => Door::Unneeded,
        (None, _) => Door::Closed(Failure::Uninvited),
    })
}

/// The new account, and its first session.
pub(crate) async fn post(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let to = visit.to_of(&fields);
    let form = FormState::keeping(
        &fields,
        &[
            "username",
            "email",
            "first_name",
            "last_name",
            "date_of_birth",
        ],
    );
    let invite = visit.told(&fields, "invite");
    let account = NewAccount {
        username: fields.get("username"),
        email: fields.get("email"),
        password: fields.get("password"),
        first_name: fields.get("first_name"),
        last_name: fields.get("last_name"),
        date_of_birth: fields.get("date_of_birth"),
        invite,
    };
    let going = (to, invite.to_owned());
    let former = visit.carried();
    let outcome = register(
        &visit.ui.identity,
        &visit.live,
        account,
        &visit.client,
        former,
    )
    .await?;
    let wait = match outcome {
        Registered::Welcome(opened) => {
            return answer::welcome(&visit, &opened, &visit.way_after_form(&going.0));
        }
        Registered::Verify(flow) => {
            let path = visit.portal(&format!("verify{}", going.0.query()));
            return answer::next_step(&visit, &flow, &path);
        }
        Registered::Invalid(problems) => {
            let form = form.problems(fields::problems(problems));
            return show(&visit, StatusCode::UNPROCESSABLE_ENTITY, going, form);
        }
        Registered::Closed => return Err(Failure::Closed),
        Registered::Uninvited => return Err(Failure::Uninvited),
        Registered::Slow { retry_after } => Wait::Slowed(retry_after),
        Registered::Busy { retry_after } => Wait::Busy(retry_after),
    };
    let form = form.alert(wait.words(), &[]);
    Ok(wait.on(show(&visit, wait.status(), going, form)?))
}

fn show(
    visit: &Visit,
    status: StatusCode,
    (to, invite): (To, String),
    form: FormState,
) -> Result<Response, Failure> {
    let mut frame = Frame::new(&visit.live, "Create your account");
    frame.failed = form.has_failed();
    let username = visit.live.registration.username;
    let password_hint = fields::password_hint(&visit.live);
    answer::page(
        status,
        &Page {
            frame,
            form,
            to,
            invite,
            username,
            password_hint,
        },
    )
}
