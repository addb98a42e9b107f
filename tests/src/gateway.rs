//! One running gateway process.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use tokio::process::Child;

use crate::command::doorward;
use crate::{Answer, Ask, Visitor, free_port, until, within};

/// Where a gateway listens, and what its environment has besides.
pub(crate) struct At {
    pub(crate) gate: SocketAddr,
    pub(crate) tls: Option<SocketAddr>,
    pub(crate) admin: SocketAddr,
    pub(crate) environment: Vec<(String, String)>,
}

/// A gateway: its process, its two addresses, its log.
pub struct Gateway {
    folder: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    gate: SocketAddr,
    tls: Option<SocketAddr>,
    admin: SocketAddr,
    child: Option<Child>,
}

impl Gateway {
    /// Starts one by the defaults in a folder, with nothing configured but where it listens, and waits until it is
    /// ready.
    pub async fn unconfigured(folder: &Path) -> Self {
        let [gate, admin] =
            [free_port(), free_port()].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let variable = (
            "DOORWARD__SERVER__ADMIN_LISTEN".to_owned(),
            admin.to_string(),
        );
        let at = At {
            gate,
            tls: None,
            admin,
            environment: vec![variable],
        };
        let mut gateway = Self::start(folder, "gateway", &["--listen", &gate.to_string()], at);
        gateway.ready().await;
        gateway
    }

    /// Starts one in a folder. Its output goes to a file of the given name there.
    pub(crate) fn start(folder: &Path, name: &str, arguments: &[&str], at: At) -> Self {
        let At {
            gate,
            tls,
            admin,
            environment,
        } = at;
        let mut gateway = Self {
            folder: folder.into(),
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            environment,
            log: folder.join(format!("{name}.log")),
            gate,
            tls,
            admin,
            child: None,
        };
        gateway.start_again();
        gateway
    }

    /// Starts the same gateway again after it has ended. Does not wait until it is ready.
    pub fn start_again(&mut self) {
        self.start_with(&[]);
    }

    /// The same with more arguments.
    pub fn start_with(&mut self, more: &[&str]) {
        self.child = Some(self.spawn(more));
    }

    /// Has another process take over (`--upgrade`), and gives the one that it relieves, which may take a while to end.
    /// Waits until the new one says that it serves; panics when it ends instead.
    pub async fn upgrade(&mut self) -> Child {
        let child = self.spawn(&["--upgrade"]);
        let before = self.child.replace(child).expect("a running gateway");
        let pid_file = self.data_dir().join("doorward.pid");
        let own = format!("{}\n", self.id());
        until(
            "the new process serves",
            Duration::from_secs(30),
            async || {
                let child = self.child.as_mut().expect("started");
                let ended = child.try_wait().expect("waited for");
                assert!(ended.is_none(), "it ended at once:\n{}", self.log());
                let named = std::fs::read_to_string(&pid_file).unwrap_or_default();
                (named == own).then_some(())
            },
        )
        .await;
        before
    }

    /// As [`Gateway::upgrade`], by a process that does not come to serve; how it ended.
    pub async fn fail_to_upgrade(&mut self) -> ExitStatus {
        let mut child = self.spawn(&["--upgrade"]);
        within("it gives up", Duration::from_secs(30), child.wait())
            .await
            .expect("waited for")
    }

    /// Where its data are.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        let mut arguments = self.arguments.iter();
        let _ = arguments.find(|argument| *argument == "--config");
        let config = arguments.next();
        let config = config.expect("a configuration file");
        let text = std::fs::read_to_string(config).expect("a configuration");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("data_dir = "));
        PathBuf::from(line.expect("data_dir").trim_matches('"'))
    }

    fn spawn(&self, more: &[&str]) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .expect("a log");
        doorward(&self.folder)
            .args(&self.arguments)
            .args(more)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the binary runs")
    }

    /// Waits until `/readyz` says yes.
    pub async fn ready(&mut self) {
        let start = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.as_mut().expect("started").try_wait() {
                panic!("the gateway ended at once, {status}:\n{}", self.log());
            }
            if tokio::net::TcpStream::connect(self.admin).await.is_ok()
                && self.admin("/readyz").await.status == 200
            {
                return;
            }
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "not ready in 30 s:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Where visitors are served.
    #[must_use]
    pub fn gate(&self) -> SocketAddr {
        self.gate
    }

    /// Where they are served over TLS. Panics unless that was planned.
    #[must_use]
    pub fn tls(&self) -> SocketAddr {
        self.tls.expect("a gateway with TLS")
    }

    /// Asks the admin listener.
    pub async fn admin(&self, target: &str) -> Answer {
        Visitor::at(self.admin).send(&Ask::get(target)).await
    }

    /// Waits until `/readyz` answers with this status.
    pub async fn readiness(&self, status: u16, limit: Duration) {
        let what = format!("/readyz says {status}");
        until(&what, limit, async || {
            (self.admin("/readyz").await.status == status).then_some(())
        })
        .await;
    }

    /// The value of a metric, all series whose line begins with `series` added up; `None` when there is none.
    pub async fn metric(&self, series: &str) -> Option<f64> {
        let answer = self.admin("/metrics").await;
        assert_eq!(answer.status, 200);
        let text = answer.text();
        let lines = text.lines().filter(|line| line.starts_with(series));
        let values: Vec<f64> = lines
            .filter_map(|line| line.rsplit(' ').next())
            .filter_map(|value| value.parse().ok())
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// Everything it has printed. What it has to say is gathered for 10 ms before that.
    #[must_use]
    pub fn log(&self) -> String {
        std::thread::sleep(Duration::from_millis(20));
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The id of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child
            .as_ref()
            .and_then(Child::id)
            .expect("a running gateway")
    }

    /// The memory that the process holds, in KiB (resident set).
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// A number of KiB from the status of the process.
    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("/proc");
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix(name));
        let line = line.expect("a line of this name");
        line.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("signalled");
    }

    /// Has it read its configuration again (SIGHUP), and waits until that has come out so (`ok` or `error`); how long
    /// that took.
    pub async fn reload(&self, outcome: &str) -> Duration {
        let series = format!("doorward_config_reloads_total{{outcome=\"{outcome}\"}}");
        let before = self.metric(&series).await.expect("counted from the start");
        let asked = Instant::now();
        self.signal(Signal::HUP);
        let what = format!("the reload came out {outcome}");
        until(&what, Duration::from_secs(5), async || {
            (self.metric(&series).await > Some(before)).then_some(())
        })
        .await;
        asked.elapsed()
    }

    /// What the log says, without the access lines: the level and the message of each line.
    #[must_use]
    pub fn messages(&self) -> Vec<(String, String)> {
        let log = self.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines
            .filter_map(|line| {
                let text = |name: &str| Some(line[name].as_str()?.to_owned());
                Some((text("level")?, text("message")?))
            })
            .collect()
    }

    /// Whether the process has a way of its own with this signal by now.
    #[must_use]
    pub fn hears(&self, signal: Signal) -> bool {
        let path = format!("/proc/{}/status", self.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        caught.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
    }

    /// How many files and sockets the process has open.
    #[must_use]
    pub fn open_files(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.id());
        std::fs::read_dir(folder).expect("/proc").count()
    }

    /// Gives the running process so much of something, and what it had back when [`Gateway::lift`] is called with it.
    #[must_use]
    pub fn limit(&self, what: Resource, most: u64) -> Rlimit {
        let limited = |was: Rlimit| Rlimit {
            current: Some(most),
            maximum: was.maximum,
        };
        let was = prlimit(Some(self.pid()), what, limited(getrlimit(what))).expect("limited");
        assert_ne!(was.current, Some(most), "limited already");
        was
    }

    /// Gives back what [`Gateway::limit`] took.
    pub fn lift(&self, what: Resource, was: Rlimit) {
        let _ = prlimit(Some(self.pid()), what, was).expect("lifted");
    }

    /// The address space of the process, in bytes.
    #[must_use]
    pub fn address_space(&self) -> u64 {
        self.status("VmSize:") * 1024
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.id()).expect("a pid")).expect("a pid")
    }

    /// Asks it to stop (SIGTERM).
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let mut child = self.child.take().expect("a running gateway");
        within("the gateway stops", limit, child.wait())
            .await
            .expect("waited for")
    }

    /// Kills it at once (SIGKILL).
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("a running gateway");
        child.kill().await.expect("killed");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(40)..].join("\n");
            println!("---- {} (its last lines)\n{tail}\n----", self.log.display());
        }
    }
}
