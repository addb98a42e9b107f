//! Somebody's own page: who they are, their profile, their password, where they are signed in, their API
//! keys, what happened lately.

use askama::Template;
use axum::response::Response;
use doorward_identity::Identity;
use doorward_identity::accounts::Account;
use doorward_identity::audit::{By, Event};
use doorward_identity::session::{Ended, SessionKey};
use http::StatusCode;

use crate::answer;
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::FormState;
use crate::frame::Frame;
use crate::pages::fields;
use crate::visit::{Session, Visit};

mod activity;
mod again;
mod changes;
pub(crate) mod delete;
mod devices;
pub(crate) mod email;
pub(crate) mod keys;
pub(crate) mod two_factor;

use activity::Happening;
pub(crate) use changes::{password, profile};
use devices::Device;

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    person: String,
    /// What a password manager files the password under.
    login: String,
    username: Option<String>,
    email: String,
    roles: Vec<String>,
    two_factor: TwoFactor,
    done: Option<&'static str>,
    profile: FormState,
    password: FormState,
    password_hint: String,
    devices: Vec<Device>,
    keys: Vec<keys::Line>,
    activity: Vec<Happening>,
}

/// Whether signing in takes a code as well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TwoFactor {
    On,
    Off,
}

/// What the page shows besides what is stored.
#[derive(Default)]
struct Shown {
    done: Option<&'static str>,
    profile: Option<FormState>,
    password: Option<FormState>,
}

/// The portal's own address leads to the account.
pub(crate) async fn find(visit: Visit) -> Result<Response, Failure> {
    answer::see_other(&visit.portal("account"))
}

/// The page; strangers are sent to sign in.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let done = match visit.query.get("done") {
        "profile" => Some("Your profile is saved."),
        "password" => Some("Your new password is set. Everywhere else you’ve been signed out."),
        "email" => Some("Your new e-mail is set."),
        "devices" => Some("Signed out there."),
        "key" => Some("That key doesn’t work any more."),
        _ => None,
    };
    show(
        &visit,
        &session,
        account,
        Shown {
            done,
            ..Shown::default()
        },
    )
    .await
}

/// Ends one of the person's sign-ins (`id`), or all but this session (`all`): what that led to on other hosts is one
/// visit there away.
pub(crate) async fn revoke(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let Identity {
        sessions, audit, ..
    } = &*visit.ui.identity;
    let ended = if !fields.get("all").is_empty() {
        sessions
            .revoke_account(account.id, Some(&session.key), Ended::Revoked)
            .await?
    } else if let Some(key) = SessionKey::from_hex(fields.get("id")) {
        // An id is only good for one's own sessions; one that has ended meanwhile needs nothing.
        let mut own = sessions
            .list(account.id, visit.live.session.idle)
            .await?
            .into_iter();
        if own.any(|(known, _)| known == key) {
            u64::from(sessions.end(&key, Ended::Revoked).await?.is_some())
        } else {
            0
        }
    } else {
        0
    };
    if ended > 0 {
        let event = Event::SessionEnded(Ended::Revoked);
        audit
            .record(&event, Some(account.id), By::Client(&visit.client))
            .await?;
    }
    answer::see_other(&visit.portal("account?done=devices"))
}

/// What to call somebody: their name, or what they sign in with.
fn person(account: &Account) -> String {
    let name = account.name();
    if name.is_empty() {
        account.user().to_owned()
    } else {
        name
    }
}

fn to_sign_in(visit: &Visit) -> Result<Response, Failure> {
    answer::see_other(&visit.portal("login"))
}

async fn show(
    visit: &Visit,
    session: &Session,
    account: Account,
    shown: Shown,
) -> Result<Response, Failure> {
    let failed = [&shown.profile, &shown.password]
        .into_iter()
        .flatten()
        .any(FormState::has_failed);
    let status = if failed {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let mut frame = Frame::new(&visit.live, "Your account").wide();
    frame.failed = failed;
    let two_factor = if account.mfa_enabled() {
        TwoFactor::On
    } else {
        TwoFactor::Off
    };
    let page = Page {
        frame,
        two_factor,
        person: person(&account),
        login: account.user().to_owned(),
        done: shown.done,
        profile: shown.profile.unwrap_or_else(|| changes::stored(&account)),
        password: shown.password.unwrap_or_default(),
        password_hint: fields::password_hint(&visit.live),
        devices: devices::of(visit, session).await?,
        keys: keys::of(visit, &account).await?,
        activity: activity::of(visit, session).await?,
        username: account.username,
        email: account.email,
        roles: account.roles,
    };
    answer::page(status, &page)
}
