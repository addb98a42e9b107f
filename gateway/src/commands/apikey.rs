//! `doorward apikey`: how programs get in.
//!
//! What is revoked here is refused on every running gateway within a second, open connections included.

use std::fmt;
use std::time::Duration;

use clap::{Args, Subcommand};
use doorward_config::{Config, HostPattern, IpNet, Method, PathGlob, written};
use doorward_identity::Identity;
use doorward_identity::accounts::Account;
use doorward_identity::api_key::{
    ApiKey, Issued, KeyId, MOST, NewKey, Revoked, Scope, USUAL_LIFE, issue_for, list, revoke,
};
use doorward_identity::audit::By;
use serde_json::{Value, json};

use super::exit::Trouble;
use super::print::{Format, moment, plain, say, table};
use super::{open, print, user};

/// What can be done with API keys. WHO is a username or an e-mail.
#[derive(Debug, Subcommand)]
pub enum ApikeyCommand {
    /// Make one, and print it: it is shown this once. Programs send it as `Authorization: Bearer dwk_…`
    Create(Create),
    /// List those that are good, the oldest first
    List {
        /// Only those of this account: username or e-mail
        who: Option<String>,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Make one of no use, on every gateway, at once
    Revoke {
        /// As a list shows it
        #[arg(value_parser = id)]
        id: KeyId,
    },
}

/// The key to be made. What is not narrowed down stays as wide as the rights of its owner.
#[derive(Debug, Args)]
pub struct Create {
    /// In whose name: username or e-mail
    who: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// Only this host, as in `[[site]]`; may be given several times
    #[arg(long = "host", value_name = "HOST", value_parser = HostPattern::parse)]
    hosts: Vec<HostPattern>,
    /// Only these paths, as in `[[site.rule]]`; may be given several times
    #[arg(long = "path", value_name = "GLOB", value_parser = PathGlob::parse)]
    paths: Vec<PathGlob>,
    /// Only this method; may be given several times
    #[arg(long = "method", value_name = "METHOD", value_parser = written::method)]
    methods: Vec<Method>,
    /// Only from this network; may be given several times
    #[arg(long = "from", value_name = "CIDR", value_parser = written::network)]
    from: Vec<IpNet>,
    /// How long it is good, at most 366d
    #[arg(long, value_name = "TIME", default_value_t = Life(USUAL_LIFE), value_parser = life)]
    expires: Life,
}

/// How long a key is good.
#[derive(Debug, Clone, Copy)]
struct Life(Duration);

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", written::lasting(self.0))
    }
}

/// Does `command`.
pub fn apikey(command: ApikeyCommand, config: &Config) -> Result<(), Trouble> {
    open::with_stores(&config.boot, async |identity| match command {
        ApikeyCommand::Create(create) => create.act(identity).await,
        ApikeyCommand::List { who, json } => show(identity, who, Format::from(json)).await,
        ApikeyCommand::Revoke { id } => match revoke(identity, &id, None, By::Command).await? {
            Revoked::Done(key) => say(&format!("{} ({}) is revoked\n", key.id, plain(&key.name))),
            Revoked::NotFound => Err(Trouble::refused(format!(
                "error: there is no API key {id}\n\
                 help: `doorward apikey list` shows those that there are"
            ))),
        },
    })
}

impl Create {
    /// The secret alone goes to standard output, so that it can be put where it belongs.
    async fn act(self, identity: &Identity) -> Result<(), Trouble> {
        let owner = user::find(identity, &self.who).await?;
        let new = NewKey {
            name: &self.name,
            scope: Scope {
                hosts: self.hosts,
                paths: self.paths,
                methods: self.methods,
                from: self.from,
            },
            life: self.expires.0,
        };
        match issue_for(identity, owner.id, new).await? {
            Issued::Done { key, secret } => {
                eprintln!(
                    "{} for {}, good until {}; it is not shown again",
                    key.id,
                    plain(owner.user()),
                    moment(key.expires_at)
                );
                say(&format!("{}\n", secret.text()))
            }
            Issued::Unfit(unfit) => Err(Trouble::usage(format!("error: {unfit}"))),
            Issued::TooMany => Err(Trouble::refused(format!(
                "error: {} has {MOST} API keys\nhelp: revoke one that nobody needs",
                plain(owner.user())
            ))),
            Issued::NoAccount => Err(Trouble::refused(format!(
                "error: {} is disabled\nhelp: `doorward user enable` lets the account be used again",
                plain(owner.user())
            ))),
        }
    }
}

async fn show(identity: &Identity, who: Option<String>, format: Format) -> Result<(), Trouble> {
    let owner = match who {
        Some(who) => Some(user::find(identity, &who).await?.id),
        None => None,
    };
    let keys = list(identity, owner).await?;
    let accounts = identity.accounts.list().await?;
    let owner = |key: &ApiKey| {
        let owner = accounts.iter().find(|account| account.id == key.account);
        owner.map_or_else(String::new, |owner: &Account| owner.user().to_owned())
    };
    match format {
        Format::Json => print::json(
            &keys
                .iter()
                .map(|key| value(key, &owner(key)))
                .collect::<Vec<_>>(),
        ),
        Format::Table => {
            let rows: Vec<_> = keys.iter().map(|key| row(key, owner(key))).collect();
            let headings = ["ID", "USER", "NAME", "MADE", "LAST USED", "ENDS", "SCOPE"];
            say(&table(headings, &rows))
        }
    }
}

fn row(key: &ApiKey, owner: String) -> [String; 7] {
    [
        key.id.to_string(),
        owner,
        key.name.clone(),
        moment(key.created_at),
        key.last_used_at.map_or_else(|| "never".to_owned(), moment),
        moment(key.expires_at),
        in_words(&key.scope),
    ]
}

fn in_words(scope: &Scope) -> String {
    let sides = [
        texts(&scope.hosts),
        texts(&scope.paths),
        texts(&scope.methods),
        texts(&scope.from),
    ];
    let said: Vec<_> = sides
        .iter()
        .filter(|side| !side.is_empty())
        .map(|side| side.join(","))
        .collect();
    if said.is_empty() {
        "everything".to_owned()
    } else {
        said.join(" ")
    }
}

fn value(key: &ApiKey, owner: &str) -> Value {
    json!({
        "id": key.id.as_str(),
        "account": key.account.to_string(),
        "user": owner,
        "name": key.name,
        "hosts": texts(&key.scope.hosts),
        "paths": texts(&key.scope.paths),
        "methods": texts(&key.scope.methods),
        "from": texts(&key.scope.from),
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.to_string(),
        "last_used_at": key.last_used_at.map(|at| at.to_string()),
    })
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(T::to_string).collect()
}

fn life(text: &str) -> Result<Life, written::Misread> {
    written::duration(text).map(Life)
}

fn id(text: &str) -> Result<KeyId, String> {
    KeyId::parse(text).ok_or_else(|| "an API key's id is 12 hexadecimal digits".to_owned())
}
