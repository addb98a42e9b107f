//! `doorward audit`: what happened to accounts, in the order it happened.

use std::collections::HashMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use doorward_config::Config;
use doorward_identity::audit::{Entry, Stretch};
use doorward_identity::{AccountId, Identity};
use serde_json::{Value, json};

use super::exit::Trouble;
use super::print::{plain, say};
use super::{open, user};

/// How often `--follow` looks for more.
const LOOK: Duration = Duration::from_millis(500);

/// How many entries are read at once.
const PAGE: u64 = 500;

/// What can be done with the trail.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Print the newest entries, the newest last
    Tail(Tail),
    /// Print all entries as JSON Lines, the oldest first
    Export {
        #[command(flatten)]
        whose: Whose,
    },
}

/// Which entries.
#[derive(Debug, Args)]
pub struct Tail {
    /// How many
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    lines: u64,
    /// Go on printing what happens, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// Print JSON Lines instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whose: Whose,
}

/// About whom.
#[derive(Debug, Args)]
pub struct Whose {
    /// Only what is about this person: username or e-mail
    #[arg(long, value_name = "WHO")]
    who: Option<String>,
}

impl Whose {
    async fn account(&self, identity: &Identity) -> Result<Option<AccountId>, Trouble> {
        Ok(match &self.who {
            Some(who) => Some(user::find(identity, who).await?.id),
            None => None,
        })
    }
}

/// Does `command`.
pub fn audit(command: &AuditCommand, config: &Config) -> Result<(), Trouble> {
    open::with_stores(&config.boot, async |identity| match command {
        AuditCommand::Tail(asked) => tail(identity, asked).await,
        AuditCommand::Export { whose } => {
            let account = whose.account(identity).await?;
            rest(
                identity,
                Stretch { account, after: 0 },
                &mut Printer::json(),
            )
            .await?;
            Ok(())
        }
    })
}

async fn tail(identity: &Identity, asked: &Tail) -> Result<(), Trouble> {
    let account = asked.whose.account(identity).await?;
    let mut stretch = Stretch { account, after: 0 };
    let mut printer = if asked.json {
        Printer::json()
    } else {
        Printer::text()
    };
    let newest = identity.audit.tail(stretch, asked.lines).await?;
    printer.print(identity, &newest).await?;
    if !asked.follow {
        return Ok(());
    }
    stretch.after = match newest.last() {
        Some(entry) => entry.id,
        None => identity
            .audit
            .tail(stretch, 1)
            .await?
            .last()
            .map_or(0, |entry| entry.id),
    };
    loop {
        stretch.after = rest(identity, stretch, &mut printer).await?;
        tokio::time::sleep(LOOK).await;
    }
}

/// Prints everything that there is of a stretch; gives the id of the last entry.
async fn rest(
    identity: &Identity,
    mut stretch: Stretch,
    printer: &mut Printer,
) -> Result<i64, Trouble> {
    loop {
        let page = identity.audit.page(stretch, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(stretch.after);
        };
        stretch.after = last.id;
        printer.print(identity, &page).await?;
    }
}

/// Prints entries, and remembers what people are called.
struct Printer {
    /// `None` prints JSON, which has ids instead.
    names: Option<HashMap<AccountId, String>>,
}

impl Printer {
    fn json() -> Self {
        Self { names: None }
    }

    fn text() -> Self {
        Self {
            names: Some(HashMap::new()),
        }
    }

    async fn print(&mut self, identity: &Identity, entries: &[Entry]) -> Result<(), Trouble> {
        let mut text = String::new();
        for entry in entries {
            match &mut self.names {
                None => text.push_str(&json_of(entry).to_string()),
                Some(names) => {
                    let whom = name(identity, names, entry.account).await?;
                    text.push_str(&line(entry, &whom));
                }
            }
            text.push('\n');
        }
        say(&text)
    }
}

async fn name(
    identity: &Identity,
    names: &mut HashMap<AccountId, String>,
    account: Option<AccountId>,
) -> Result<String, Trouble> {
    let Some(id) = account else {
        return Ok("-".to_owned());
    };
    if let Some(known) = names.get(&id) {
        return Ok(known.clone());
    }
    let found = identity.accounts.find(id).await?;
    // Of an account that is gone the id is left.
    let name = found.map_or_else(|| id.to_string(), |account| plain(account.user()));
    names.insert(id, name.clone());
    Ok(name)
}

fn line(entry: &Entry, whom: &str) -> String {
    let address = entry
        .address
        .map_or_else(|| "command".to_owned(), |address| address.to_string());
    let detail = entry.detail.as_deref().map(plain).unwrap_or_default();
    let at = entry.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    format!("{at}  {:<26}  {whom}  {address}  {detail}", entry.event)
        .trim_end()
        .to_owned()
}

fn json_of(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "at": entry.at.to_string(),
        "event": entry.event,
        "detail": entry.detail,
        "account": entry.account.map(|id| id.to_string()),
        "by": if entry.address.is_some() { "client" } else { "command" },
        "address": entry.address.map(|address| address.to_string()),
        "request_id": entry.request_id,
    })
}
