//! `doorward session`: who is signed in, and ending that. A sign-in that serves several hosts is one.
//!
//! What is ended here is gone on every running gateway within a second.

use clap::{Args, Subcommand};
use doorward_config::Config;
use doorward_identity::audit::{By, Event};
use doorward_identity::session::{Amr, Ended, Remembered, SessionKey, SignIn, Snapshot};
use doorward_identity::{AccountId, Identity};
use serde_json::json;

use super::exit::Trouble;
use super::print::{Format, moment, say, table};
use super::{open, print, user};

/// How much of an id a list shows, in digits: enough for `--id`.
const SHOWN: usize = 16;
/// The fewest digits that `--id` takes.
const FEWEST: usize = 8;

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List them, the newest last
    List {
        #[command(flatten)]
        which: Which,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// End them, on every gateway, at once
    Revoke {
        #[command(flatten)]
        which: Which,
    },
}

/// Which sessions.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// All of this person: username or e-mail
    who: Option<String>,
    /// The one whose id begins like this: at least 8 digits, as a list shows them
    #[arg(long, value_name = "ID", value_parser = beginning)]
    id: Option<String>,
    /// Everybody's
    #[arg(long)]
    all: bool,
}

/// Does `command`.
pub fn session(command: SessionCommand, config: &Config) -> Result<(), Trouble> {
    open::with_stores(&config.boot, async |identity| match command {
        SessionCommand::List { which, json } => {
            let found = match (which.who, which.id) {
                (Some(who), _) => {
                    of(identity, config, &[user::find(identity, &who).await?.id]).await?
                }
                (None, Some(id)) => vec![named(identity, config, &id).await?.0],
                (None, None) => of(identity, config, &everybody(identity).await?).await?,
            };
            list(&found, Format::from(json))
        }
        SessionCommand::Revoke { which } => match (which.who, which.id) {
            (Some(who), _) => {
                let account = user::find(identity, &who).await?.id;
                ended(revoke(identity, &[account]).await?)
            }
            (None, Some(id)) => revoke_one(identity, config, &id).await,
            (None, None) => ended(revoke(identity, &everybody(identity).await?).await?),
        },
    })
}

/// Every account. Where there is none, no session is asked for either: so it is asked here whether the store answers,
/// or nobody's sessions would be an answer that nobody gave.
async fn everybody(identity: &Identity) -> Result<Vec<AccountId>, Trouble> {
    open::reachable(identity).await?;
    let accounts = identity.accounts.list().await?;
    Ok(accounts.into_iter().map(|account| account.id).collect())
}

async fn of(
    identity: &Identity,
    config: &Config,
    accounts: &[AccountId],
) -> Result<Vec<SignIn>, Trouble> {
    let mut found = Vec::new();
    for account in accounts {
        let sessions = identity.sessions.list(*account, config.live.session.idle);
        found.extend(SignIn::of(sessions.await?));
    }
    found.sort_by_key(|sign_in| sign_in.first().1.record.opened_at);
    Ok(found)
}

/// Ends all sessions of these accounts; gives how many.
async fn revoke(identity: &Identity, accounts: &[AccountId]) -> Result<u64, Trouble> {
    let mut count = 0;
    for account in accounts {
        let of_account = identity
            .sessions
            .revoke_account(*account, None, Ended::Revoked)
            .await?;
        if of_account > 0 {
            note(identity, *account).await?;
        }
        count += of_account;
    }
    Ok(count)
}

async fn revoke_one(identity: &Identity, config: &Config, id: &str) -> Result<(), Trouble> {
    let (_, key) = named(identity, config, id).await?;
    match identity.sessions.end(&key, Ended::Revoked).await? {
        Some(record) => {
            note(identity, record.account).await?;
            ended(1)
        }
        None => ended(0),
    }
}

/// The one session whose id begins with `id`, and the sign-in that it is of.
async fn named(
    identity: &Identity,
    config: &Config,
    id: &str,
) -> Result<(SignIn, SessionKey), Trouble> {
    let mut matching = Vec::new();
    for sign_in in of(identity, config, &everybody(identity).await?).await? {
        let keys = sign_in.sessions().map(|(key, _)| *key);
        let mut keys: Vec<_> = keys.filter(|key| key.to_string().starts_with(id)).collect();
        matching.extend(keys.pop().map(|key| (sign_in, key, keys.is_empty())));
    }
    match (matching.pop(), matching.is_empty()) {
        (Some((sign_in, key, true)), true) => Ok((sign_in, key)),
        (Some(_), _) => Err(Trouble::refused(format!(
            "error: several sessions have an id that begins with {id}\nhelp: give more of it"
        ))),
        (None, _) => Err(Trouble::refused(format!(
            "error: there is no session whose id begins with {id}\n\
             help: `doorward session list --all` shows those that there are"
        ))),
    }
}

/// Leaves a trace of what was ended.
async fn note(identity: &Identity, account: AccountId) -> Result<(), Trouble> {
    let event = Event::SessionEnded(Ended::Revoked);
    Ok(identity
        .audit
        .record(&event, Some(account), By::Command)
        .await?)
}

fn ended(count: u64) -> Result<(), Trouble> {
    match count {
        1 => say("1 session ended\n"),
        many => say(&format!("{many} sessions ended\n")),
    }
}

fn list(found: &[SignIn], format: Format) -> Result<(), Trouble> {
    match format {
        Format::Json => print::json(&found.iter().map(json).collect::<Vec<_>>()),
        Format::Table => {
            let rows: Vec<_> = found.iter().map(row).collect();
            let headings = [
                "ID",
                "USER",
                "OPENED",
                "LAST SEEN",
                "ENDS",
                "ADDRESS",
                "DEVICE",
            ];
            say(&table(headings, &rows))
        }
    }
}

fn row(sign_in: &SignIn) -> [String; 7] {
    let (key, Snapshot { record, .. }) = sign_in.first();
    [
        key.to_string().chars().take(SHOWN).collect(),
        record.user.clone(),
        moment(record.opened_at),
        moment(sign_in.last_seen()),
        moment(record.ends_at),
        record.address.to_string(),
        record.device.clone(),
    ]
}

fn json(sign_in: &SignIn) -> serde_json::Value {
    let (key, Snapshot { record, .. }) = sign_in.first();
    json!({
        "id": key.to_string(),
        "account": record.account.to_string(),
        "user": record.user,
        "opened_at": record.opened_at.to_string(),
        "last_seen": sign_in.last_seen().to_string(),
        "ends_at": record.ends_at.to_string(),
        "remembered": record.remembered == Remembered::Yes,
        "amr": record.amr.iter().map(|amr| Amr::as_str(*amr)).collect::<Vec<_>>(),
        "address": record.address.to_string(),
        "device": record.device,
        "hosts": sign_in.hosts(),
    })
}

fn beginning(text: &str) -> Result<String, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits && (FEWEST..=64).contains(&text.len()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("an id is {FEWEST} to 64 hexadecimal digits"))
    }
}
