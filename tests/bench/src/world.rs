//! What every contestant finds: programs, a site, certificates, and Doorward's accounts and sessions.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::case::Size;
use crate::credential::SESSION;
use crate::plan::SignIn;
use crate::process::{Core, Process, on};
use crate::template::{Names, free_port};

/// The password of everybody.
pub const PASSWORD: &str = "violet-harbour-42-lantern";
/// The same as Werkzeug keeps it, which costs little.
const HASH: &str =
    "pbkdf2:sha256:1000$bench$d39cbfe7118216acd5a120627baf988c8887efff4c6896e2ca73fbf899432ef5";
/// What the folders of all runs begin with.
const PREFIX: &str = "bench-peers-";
/// How many people there are.
const PEOPLE: usize = 10;
/// How many sessions take turns.
const SESSIONS: usize = 1000;
/// How long something may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// How the site sends head and body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    /// Each on its own, the body from a file that is opened for it.
    Apart,
    /// Together, out of files that stay open: the site has less to do, and so has who passes it on.
    Together,
}

/// What is there for everybody.
pub struct World {
    /// Where programs are that no package has.
    pub programs: PathBuf,
    /// What configurations may name.
    pub names: Names,
    /// What every Doorward starts with.
    pub seed: Seed,
    _site: Process,
    // Last: what runs in it ends before.
    folder: TempDir,
}

impl World {
    /// Makes it.
    pub fn make(programs: &Path, sends: Sends) -> Result<Self> {
        forget_the_interrupted();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir()?;
        let mut names = Names::default();
        names.set("programs", programs.display());
        certify(folder.path(), &mut names)?;
        let site = site(folder.path(), sends, &mut names)?;
        let seed = Seed::make(&folder.path().join("seed"), names.clone(), programs)?;
        Ok(Self {
            programs: programs.to_owned(),
            names,
            seed,
            _site: site,
            folder,
        })
    }

    /// Where everybody writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what runs have left that were interrupted: a folder says whose it is.
fn forget_the_interrupted() {
    let folders = fs::read_dir(std::env::temp_dir()).into_iter().flatten();
    for folder in folders.flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            // Somebody else's stays.
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

/// A certificate for this address, signed by itself.
fn certify(folder: &Path, names: &mut Names) -> Result<()> {
    let [chain, key, both] = ["chain.pem", "key.pem", "both.pem"].map(|name| folder.join(name));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        .arg("-out")
        .arg(&chain)
        .arg("-keyout")
        .arg(&key)
        .output()
        .context("openssl cannot be started")?;
    ensure!(
        made.status.success(),
        "openssl: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    fs::write(&both, [fs::read(&chain)?, fs::read(&key)?].concat())?;
    names.set("chain", chain.display());
    names.set("key", key.display());
    names.set("chain_and_key", both.display());
    Ok(())
}

/// The site behind everybody: nginx with one file of each size.
fn site(folder: &Path, sends: Sends, names: &mut Names) -> Result<Process> {
    let files = folder.join("files");
    fs::create_dir(&files)?;
    // Whoever is started as root may read them as somebody else.
    for size in Size::ALL {
        let file = File::create(files.join(size.name()))?;
        if size == Size::G1 {
            file.set_len(size.bytes())?;
        } else {
            (&file).write_all(&vec![b'x'; usize::try_from(size.bytes())?])?;
        }
    }
    let upstream = format!("127.0.0.1:{}", free_port()?);
    names.set("files", files.display());
    names.set("upstream", &upstream);
    let own = folder.join("site");
    fs::create_dir(&own)?;
    let mut here = names.clone();
    here.set("folder", own.display());
    let (sendfile, open_files) = match sends {
        Sends::Apart => ("on", "off"),
        Sends::Together => ("off", "max=16 inactive=1h"),
    };
    here.set("sendfile", sendfile);
    here.set("open_files", open_files);
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("load/upstream.conf"))?;
    let file = own.join("nginx.conf");
    fs::write(&file, here.fill(&text)?)?;
    let mut command = on(Core::Load, Path::new(""), "nginx");
    command
        .arg("-c")
        .arg(&file)
        .arg("-e")
        .arg(own.join("early.log"));
    let mut process = Process::start(command, "nginx", &own.join("log"))?;
    wait(&mut process, &upstream)?;
    Ok(process)
}

fn wait(process: &mut Process, address: &str) -> Result<()> {
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        process.check()?;
        ensure!(begun.elapsed() < READY, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Accounts, sessions and an API key, made once.
pub struct Seed {
    data: PathBuf,
    /// The cookies' values.
    pub sessions: Vec<String>,
    /// The API key.
    pub key: String,
}

impl Seed {
    fn make(folder: &Path, mut names: Names, programs: &Path) -> Result<Self> {
        fs::create_dir(folder)?;
        names.set("folder", folder.display());
        names.fill_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("seed"), folder)?;
        let doorward = |arguments: &[&str]| {
            let mut command = on(Core::Load, programs, "doorward");
            command
                .args(arguments)
                .arg("--config")
                .arg(folder.join("doorward.toml"));
            command.current_dir(folder);
            command
        };
        let people: String = (0..PEOPLE)
            .map(|n| {
                format!(
                    "{{\"username\":\"anna{n}\",\"email\":\"anna{n}@example.com\",\"password_hash\":\"{HASH}\",\
                     \"first_name\":\"Anna\",\"last_name\":\"Example\",\"roles\":[\"user\"]}}\n"
                )
            })
            .collect();
        let file = folder.join("people.jsonl");
        fs::write(&file, people)?;
        say(&mut doorward(&[
            "user",
            "import",
            &file.display().to_string(),
        ]))?;
        let key = say(&mut doorward(&[
            "apikey", "create", "anna0", "--name", "bench",
        ]))?;
        let mut process = Process::start(doorward(&["run"]), "doorward", &folder.join("log"))?;
        let origin = names.address("port")?.to_string();
        wait(&mut process, &origin)?;
        let how = SignIn {
            path: "/_auth/login".to_owned(),
            body: format!("login=anna@number@&password={PASSWORD}"),
            kind: "application/x-www-form-urlencoded".to_owned(),
            cookie: SESSION.to_owned(),
            people: PEOPLE,
            times: SESSIONS,
        };
        let sessions = how.cookies(&format!("http://{origin}"), &[], folder)?;
        process.stop();
        Ok(Self {
            data: folder.join("data"),
            sessions,
            key: key.trim().to_owned(),
        })
    }

    /// Gives a gateway its own copy.
    pub fn copy_to(&self, folder: &Path) -> Result<()> {
        let copied = Command::new("cp")
            .arg("-r")
            .arg(&self.data)
            .arg(folder)
            .status()?;
        ensure!(copied.success(), "{} cannot be copied", self.data.display());
        Ok(())
    }
}

/// Runs a command to its end and gives what it printed.
fn say(command: &mut Command) -> Result<String> {
    let ran = command.stderr(Stdio::piped()).output()?;
    ensure!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}
