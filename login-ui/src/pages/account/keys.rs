//! API keys, as their owner sees them: those there are, a new one, one that is revoked.
//!
//! A secret is only ever part of the answer to the form that made it: no address shows it again.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use doorward_config::{HostPattern, PathGlob, written};
use doorward_identity::accounts::Account;
use doorward_identity::api_key::{
    self, ApiKey, Issued, KeyId, KeySecret, MOST, NewKey, Scope, USUAL_LIFE, Unfit, issue_own, list,
};
use doorward_identity::audit::By;
use doorward_identity::proof::Again;
use http::StatusCode;
use jiff::Timestamp;

use super::again::{Judged, Needed, Refused, judge, needed};
use super::to_sign_in;
use crate::ago::{self, Moment};
use crate::answer;
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::{FormState, Problem};
use crate::frame::Frame;
use crate::visit::{Session, Visit};

/// What the form keeps when something is wrong.
const FIELDS: &[&str] = &["name", "days", "hosts", "paths", "methods", "from"];
/// What it folds away.
const NARROWING: &[&str] = &["hosts", "paths", "methods", "from"];
/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// One line of the list.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) scope: String,
    pub(super) made: Moment,
    pub(super) used: Option<Moment>,
    pub(super) ends: Moment,
}

#[derive(Template)]
#[template(path = "account_key.html")]
struct Page {
    frame: Frame,
    form: FormState,
    login: String,
    proof: Needed,
}

#[derive(Template)]
#[template(path = "account_key_made.html")]
struct Made {
    frame: Frame,
    name: String,
    secret: String,
    ends: Moment,
}

/// The person's keys, the oldest first.
pub(super) async fn of(visit: &Visit, account: &Account) -> Result<Vec<Line>, Failure> {
    let identity = &visit.ui.identity;
    let now = identity.clock.now();
    let keys = list(identity, Some(account.id)).await?;
    Ok(keys.into_iter().map(|key| line(key, now)).collect())
}

fn line(key: ApiKey, now: Timestamp) -> Line {
    Line {
        id: key.id.to_string(),
        scope: in_words(&key.scope),
        made: ago::moment(key.created_at, now),
        used: key.last_used_at.map(|at| ago::moment(at, now)),
        ends: ago::day(key.expires_at),
        name: key.name,
    }
}

fn in_words(scope: &Scope) -> String {
    if scope.is_open() {
        return "Everything you may do".to_owned();
    }
    let sides = [
        said("", &scope.methods),
        said("", &scope.hosts),
        said("", &scope.paths),
        said("from ", &scope.from),
    ];
    sides.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn said<T: ToString>(before: &str, list: &[T]) -> Option<String> {
    let texts: Vec<_> = list.iter().map(T::to_string).collect();
    (!texts.is_empty()).then(|| format!("{before}{}", texts.join(", ")))
}

/// Asks what the key is to be for.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let days = USUAL_LIFE.as_secs() / DAY;
    let form = FormState::filled(vec![("days", days.to_string())]);
    let blank = Refused {
        form,
        ..Refused::not()
    };
    show(&visit, (&session, &account), blank)
}

/// Makes a key for somebody who has proven again who they are, and shows it this once.
pub(crate) async fn post(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let form = FormState::keeping(&fields, FIELDS);
    let new = match read(&fields) {
        Ok(new) => new,
        Err(problems) => {
            let refused = Refused::invalid(form.problems(problems));
            return show(&visit, (&session, &account), refused);
        }
    };
    let refused = match judge(&visit, &session, &fields, form.clone()).await? {
        Judged::Refused(refused) => refused,
        Judged::Given(again) => match make(&visit, &again, new).await? {
            Issued::Done { key, secret } => return shown_once(&visit, *key, &secret),
            Issued::NoAccount => return to_sign_in(&visit),
            Issued::Unfit(unfit) => Refused::invalid(form.problems(vec![Problem {
                field: field(unfit),
                text: unfit.to_string().into(),
            }])),
            Issued::TooMany => Refused::invalid(form.alert(
                format!("You have {MOST} keys. Revoke one that you don’t need any more."),
                &[],
            )),
        },
    };
    show(&visit, (&session, &account), refused)
}

/// Revokes one of the person's keys. One that is gone already needs nothing.
pub(crate) async fn revoke(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some((_, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    if let Some(id) = KeyId::parse(fields.get("id")) {
        let by = By::Client(&visit.client);
        let (api_key::Revoked::Done(_) | api_key::Revoked::NotFound) =
            api_key::revoke(&visit.ui.identity, &id, Some(account.id), by).await?;
    }
    answer::see_other(&visit.portal("account?done=key"))
}

async fn make(visit: &Visit, again: &Again, new: NewKey<'_>) -> Result<Issued, Failure> {
    Ok(issue_own(&visit.ui.identity, again, new, &visit.client).await?)
}

fn field(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Name => "name",
        Unfit::Life => "days",
        Unfit::Scope => "paths",
    }
}

/// What was typed. Every side that is wrong is named.
fn read(fields: &Fields) -> Result<NewKey<'_>, Vec<Problem>> {
    let mut problems = Vec::new();
    let days = fields.get("days").trim().parse().ok();
    let life = days.and_then(|days: u64| days.checked_mul(DAY));
    let upper = |text: &str| written::method(&text.to_ascii_uppercase());
    let hosts = each(fields, "hosts", HostPattern::parse, &mut problems);
    let paths = each(fields, "paths", PathGlob::parse, &mut problems);
    let methods = each(fields, "methods", upper, &mut problems);
    let from = each(fields, "from", written::network, &mut problems);
    let Some(life) = life else {
        problems.insert(
            0,
            Problem {
                field: "days",
                text: "A whole number from 1 to 366.".into(),
            },
        );
        return Err(problems);
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(NewKey {
        name: fields.get("name"),
        scope: Scope {
            hosts,
            paths,
            methods,
            from,
        },
        life: Duration::from_secs(life),
    })
}

/// What stands in a field, apart by commas or blanks.
fn each<T, E>(
    fields: &Fields,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    let typed = fields.get(name).trim();
    let apart = |c: char| c == ',' || c.is_whitespace();
    let words = typed.split(apart).filter(|word| !word.is_empty());
    // Commas alone are no list: left empty a side is open.
    match words.map(parse).collect::<Result<Vec<T>, E>>() {
        Ok(list) if list.is_empty() == typed.is_empty() => return list,
        Ok(_) | Err(_) => {}
    }
    problems.push(Problem {
        field: name,
        text: meant(name).into(),
    });
    Vec::new()
}

/// What a side of the scope is made of.
fn meant(name: &str) -> &'static str {
    match name {
        "hosts" => "Only names, such as app.example.com or *.example.com.",
        "paths" => "Each starts with /, as in /reports/**; ** stands last.",
        "methods" => "Only methods, such as GET or POST.",
        _ => "Only addresses and networks, such as 192.0.2.7 or 10.0.0.0/8.",
    }
}

fn shown_once(visit: &Visit, key: ApiKey, secret: &KeySecret) -> Result<Response, Failure> {
    let page = Made {
        frame: Frame::new(&visit.live, "Your new API key"),
        secret: secret.text(),
        ends: ago::day(key.expires_at),
        name: key.name,
    };
    answer::page(StatusCode::OK, &page)
}

fn show(
    visit: &Visit,
    (session, account): (&Session, &Account),
    refused: Refused,
) -> Result<Response, Failure> {
    let Refused { status, form, wait } = refused;
    let mut frame = Frame::new(&visit.live, "New API key");
    frame.failed = form.has_failed();
    let page = Page {
        frame,
        proof: needed(visit, session, &form),
        form,
        login: account.user().to_owned(),
    };
    Ok(Refused::on(wait, answer::page(status, &page)?))
}
