//! Somebody who is measured: its programs with their configuration, started and looked at.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::case::{Case, Protocol, Size};
use crate::credential::{Credential, SESSION};
use crate::curl::{Answer, Ask};
use crate::load::{self, Aim, Done};
use crate::plan::{Kind, Plan};
use crate::process::{Core, Process, Used, on};
use crate::template::Names;
use crate::world::World;

/// How long programs may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// A running one. Its programs end when this is dropped.
pub struct Contestant {
    pub plan: Plan,
    folder: PathBuf,
    names: Names,
    processes: Vec<Process>,
    credential: Credential,
}

impl Contestant {
    /// Starts its programs and waits until they let somebody in.
    pub fn start(plan: Plan, world: &World) -> Result<Self> {
        Self::start_as(plan, "", world, |_| Ok(()))
    }

    /// The same under another name, so that it can run twice, with a last word on its configuration.
    pub fn start_as(
        plan: Plan,
        suffix: &str,
        world: &World,
        configure: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        let folder = world.folder().join(format!("{}{suffix}", plan.name));
        fs::create_dir_all(&folder)?;
        let mut names = world.names.clone();
        names.set("folder", folder.display());
        names.fill_folder(&plan.folder(), &folder)?;
        if plan.program.iter().any(|program| program.seed) {
            world.seed.copy_to(&folder.join("data"))?;
        }
        configure(&folder)?;
        let mut contestant = Self {
            folder,
            names,
            processes: Vec::new(),
            credential: Credential::None,
            plan,
        };
        contestant.run(world)?;
        contestant.listening()?;
        contestant.credential = contestant.ask_for_credential(world)?;
        Ok(contestant)
    }

    fn run(&mut self, world: &World) -> Result<()> {
        for (index, program) in self.plan.program.clone().into_iter().enumerate() {
            let mut words = Vec::new();
            for word in &program.run {
                words.push(self.names.fill(word)?);
            }
            let (name, arguments) = words.split_first().context("`run` is empty")?;
            let mut command = on(Core::Measured, &world.programs, name);
            command.args(arguments).envs(&program.environment);
            command.env("HOME", &self.folder).current_dir(&self.folder);
            let log = self.folder.join(format!("{index}.log"));
            self.processes.push(Process::start(command, name, &log)?);
        }
        Ok(())
    }

    /// Waits until every address that its configuration names takes connections.
    fn listening(&mut self) -> Result<()> {
        let begun = Instant::now();
        for address in self.names.addresses()? {
            while std::net::TcpStream::connect(address).is_err() {
                self.check()?;
                ensure!(begun.elapsed() < READY, "nobody listens on {address}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// Where it listens, by the name in its configuration.
    pub fn address(&self, name: &str) -> Result<SocketAddr> {
        self.names.address(name)
    }

    fn check(&mut self) -> Result<()> {
        self.processes.iter_mut().try_for_each(Process::check)
    }

    /// `scheme://address`.
    fn origin(&self, protocol: Protocol) -> Result<String> {
        let (scheme, name) = match protocol {
            Protocol::Http => ("http", "port"),
            Protocol::Https | Protocol::H2 => ("https", "tls_port"),
        };
        Ok(format!("{scheme}://{}", self.names.address(name)?))
    }

    fn host(&self, protocol: Protocol) -> Result<String> {
        let origin = self.origin(protocol)?;
        let (_, authority) = origin.split_once("://").unwrap_or_default();
        Ok(self
            .plan
            .host
            .clone()
            .unwrap_or_else(|| authority.to_owned()))
    }

    fn ask_for_credential(&self, world: &World) -> Result<Credential> {
        let cookie = |name: &str, values: Vec<String>| Credential::Cookie {
            name: name.to_owned(),
            values,
        };
        Ok(match self.plan.credential {
            Kind::None => Credential::None,
            Kind::Session => cookie(SESSION, world.seed.sessions.clone()),
            Kind::Key => Credential::Bearer {
                http: world.seed.key.clone(),
                https: world.seed.key.clone(),
            },
            Kind::Bearer => Credential::Bearer {
                http: self.token(Protocol::Http)?,
                https: self.token(Protocol::Https)?,
            },
            Kind::SignIn => {
                let how = self.plan.sign_in.as_ref().context("[sign_in] is missing")?;
                let headers = [("Host".to_owned(), self.host(Protocol::Http)?)];
                let values = how.cookies(&self.origin(Protocol::Http)?, &headers, &self.folder)?;
                cookie(&how.cookie, values)
            }
        })
    }

    fn token(&self, protocol: Protocol) -> Result<String> {
        let url = format!("{}/_auth/api/login", self.origin(protocol)?);
        let body = format!(
            r#"{{"login":"anna0","password":"{}"}}"#,
            crate::world::PASSWORD
        );
        let ask = Ask {
            protocol,
            url: &url,
            headers: &[],
            body: Some(("application/json", &body)),
        };
        let answer = ask.send(&self.folder)?;
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let token = json["access_token"].as_str();
        Ok(token
            .with_context(|| format!("no token, but {answer:?}"))?
            .to_owned())
    }

    /// Asks once as the load will, and looks whether the answer is right.
    pub fn prove(&mut self, case: Case) -> Result<()> {
        let begun = Instant::now();
        // A download is looked at while it is measured.
        let size = if case.size == Size::G1 {
            Size::K1
        } else {
            case.size
        };
        loop {
            self.check()?;
            let answer = self.ask(case.protocol, size.name())?;
            let version = if case.protocol == Protocol::H2 {
                "2"
            } else {
                "1.1"
            };
            if answer.status == 200 && answer.bytes == size.bytes() && answer.version == version {
                break;
            }
            // Some take connections before they have read what to do with them.
            let Answer {
                status,
                version,
                bytes,
                ..
            } = answer;
            ensure!(
                begun.elapsed() < READY / 3,
                "{} answers {status} with {bytes} bytes by HTTP/{version}",
                self.plan.name
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        if self.plan.identity {
            let seen = self.ask(case.protocol, "seen")?.body;
            let signed = self.plan.name == "doorward-plain" || seen.contains("signed=ey");
            let told = ["user=anna", "groups=user", "email=anna", "name=Anna"];
            if !signed || !told.iter().all(|word| seen.contains(word)) {
                bail!("the site is not told who is there, but: {seen}");
            }
        }
        Ok(())
    }

    fn ask(&self, protocol: Protocol, file: &str) -> Result<Answer> {
        let url = format!("{}/{file}", self.origin(protocol)?);
        let headers = self.headers(protocol)?;
        Ask {
            protocol,
            url: &url,
            headers: &headers,
            body: None,
        }
        .send(&self.folder)
    }

    fn headers(&self, protocol: Protocol) -> Result<Vec<(String, String)>> {
        let (name, values) = self.credential.lines(protocol);
        let own = (name, values.first().map_or("", String::as_str));
        let mut headers: Vec<(String, String)> = load::BROWSER
            .into_iter()
            .chain([own])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        headers.push(("Host".to_owned(), self.host(protocol)?));
        Ok(headers)
    }

    /// One measurement.
    pub fn load(&self, case: Case, seconds: u64) -> Result<Done> {
        let origin = self.origin(case.protocol)?;
        let path = format!("/{}", case.size.name());
        if case.size == Size::G1 {
            let url = format!("{origin}{path}");
            let headers = self.headers(case.protocol)?;
            let ask = Ask {
                protocol: case.protocol,
                url: &url,
                headers: &headers,
                body: None,
            };
            let begun = Instant::now();
            let bytes = ask.download(&self.folder)?;
            ensure!(
                bytes == case.size.bytes(),
                "the download was {bytes} bytes long"
            );
            let micros = u64::try_from(begun.elapsed().as_micros())?;
            return Ok(Done {
                requests: 1,
                bytes,
                micros,
                p50: micros,
                p99: micros,
                errors: 0,
            });
        }
        let host = self.host(case.protocol)?;
        let aim = Aim {
            url: &origin,
            path: &path,
            host: &host,
            credential: &self.credential,
        };
        load::run(case, &aim, seconds, &self.folder)
    }

    /// Where it writes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// From here on requests show the sessions in these lines.
    pub fn show(&mut self, sessions: &[String]) {
        self.credential = Credential::Cookie {
            name: SESSION.to_owned(),
            values: sessions.to_vec(),
        };
    }

    /// What it has used so far.
    pub fn used(&self) -> Result<Used> {
        self.processes
            .iter()
            .try_fold(Used::default(), |sum, process| Ok(sum + process.used()?))
    }

    /// Empties its logs.
    pub fn forget_logs(&self) -> Result<()> {
        self.processes.iter().try_for_each(Process::forget_log)
    }
}
