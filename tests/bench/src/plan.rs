//! Who is measured, as `contestants/NAME/contestant.toml` says it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::case::{Case, Protocol, Size};
use crate::curl::{self, Ask};

/// `contestant.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The folder's name.
    #[serde(skip)]
    pub name: String,
    /// What the tables say.
    pub title: String,
    /// The programs that must be there.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What its requests show.
    #[serde(default)]
    pub credential: Kind,
    /// Whether it tells the site who is there.
    #[serde(default)]
    pub identity: bool,
    /// What it is asked by; everything if empty.
    #[serde(default)]
    protocols: Vec<Protocol>,
    /// What it is asked for; everything if empty.
    #[serde(default)]
    sizes: Vec<Size>,
    /// The host that it is asked for, if that matters.
    pub host: Option<String>,
    pub program: Vec<Program>,
    pub sign_in: Option<SignIn>,
}

/// What requests show.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Nothing.
    #[default]
    None,
    /// The sessions that every measured Doorward starts with.
    Session,
    /// The API key that it starts with.
    Key,
    /// A token, asked for at its JSON API.
    Bearer,
    /// Cookies from its own form.
    SignIn,
}

/// One of its programs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    pub run: Vec<String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Whether it starts with Doorward's accounts and sessions.
    #[serde(default)]
    pub seed: bool,
}

/// How to get cookies.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub path: String,
    /// `@number@` in it goes round the people.
    pub body: String,
    #[serde(rename = "type", default = "form")]
    pub kind: String,
    pub cookie: String,
    pub people: usize,
    pub times: usize,
}

fn form() -> String {
    "application/x-www-form-urlencoded".to_owned()
}

impl SignIn {
    /// Signs in so often at an origin.
    pub fn cookies(
        &self,
        origin: &str,
        headers: &[(String, String)],
        folder: &Path,
    ) -> Result<Vec<String>> {
        let url = format!("{origin}{}", self.path);
        let bodies: Vec<String> = (0..self.times)
            .map(|time| {
                self.body
                    .replace("@number@", &(time % self.people).to_string())
            })
            .collect();
        let asks = bodies.iter().map(|body| Ask {
            protocol: Protocol::Http,
            url: &url,
            headers,
            body: Some((&self.kind, body)),
        });
        let values = curl::cookies(asks, &self.cookie, folder)?;
        ensure!(
            values.len() == self.times,
            "{} of {} sign-ins gave a cookie {}",
            values.len(),
            self.times,
            self.cookie
        );
        Ok(values)
    }
}

impl Plan {
    /// Reads all of them, in the order of their names.
    pub fn all() -> Result<Vec<Self>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contestants");
        let mut plans = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let file = path.join("contestant.toml");
            let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            let mut plan: Self =
                toml::from_str(&text).with_context(|| file.display().to_string())?;
            plan.name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            plans.push(plan);
        }
        plans.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(plans)
    }

    /// Whether it takes part in a case.
    pub fn takes(&self, case: Case) -> bool {
        let protocol = self.protocols.is_empty() || self.protocols.contains(&case.protocol);
        protocol && (self.sizes.is_empty() || self.sizes.contains(&case.size))
    }

    /// Runs a program once more, with another of its configurations.
    pub fn run_too(&mut self, program: &str, config: &str) {
        let config = format!("@folder@/{config}");
        let run = [program, "run", "--config", &config]
            .map(str::to_owned)
            .to_vec();
        self.program.push(Program {
            run,
            environment: BTreeMap::new(),
            seed: false,
        });
    }

    /// Where its configuration is.
    pub fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("contestants")
            .join(&self.name)
    }
}
