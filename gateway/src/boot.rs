//! Putting the house together: the one place where every part is made and handed to the others.
//!
//! Nothing here serves before everything that can fail at the start has been tried: the stores, the sockets, the
//! folders, the pages.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use doorward_config::{Boot, Config, Live, Sources};
use doorward_identity::access_token::KnownTokens;
use doorward_identity::tally::Tally;
use doorward_identity::{Fault, Identity, SystemClock, SystemRandom, World, keys, mail, setup};
use pingora_core::server::configuration::ServerConf;
use pingora_core::server::{RunArgs, Server};
use pingora_core::services::background::background_service;
use pingora_proxy::HttpProxy;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::admin;
use crate::admit::Judge;
use crate::banner::{self, Banner};
use crate::compile::Compiler;
use crate::current::Current;
use crate::draining::Draining;
use crate::gate::Gate;
use crate::leftovers;
use crate::limits::Hall;
use crate::listeners::{Listeners, Serving};
use crate::metrics::Metrics;
use crate::pages::Pages;
use crate::proxy::LongWay;
use crate::readiness::{Asking, Probe, Readiness};
use crate::refusal::Refusal;
use crate::reload::{Hangups, Reload};
use crate::request_id::RequestIds;
use crate::run_dir::RunDir;
use crate::session_cache::{Bounds, SessionCache, Stores};
use crate::sockets::{Bound, Sockets};
use crate::stop::Stop;
use crate::tls::Reread;
use crate::upgrade::{self, Arrival, Arriving, Failed, Offer, PidFile, StandDown, Taken};
use crate::upstream::Upstreams;
use crate::ways::Ways;

/// Threads that serve pages and files, ask the stores and follow the watch: everything but proxying.
const HOUSE_THREADS: usize = 2;

/// How often what is over is thrown out of the stores.
const PRUNE: Duration = Duration::from_mins(5);

/// How long the session store may take to be heard of before we start without it.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// How long what runs beside the requests may take to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The threads beside the proxy, which hear what the operator says.
pub struct House {
    runtime: Runtime,
    hangups: Hangups,
}

/// `SIGXFSZ`, which tokio has no name for (Linux, `signal(7)`).
const FILE_TOO_LARGE: i32 = 25;

impl House {
    /// To be made first of all: from here on SIGHUP does not end the process, and a file that may not grow is an error
    /// of whoever writes it (`RLIMIT_FSIZE`), like a full disk.
    ///
    /// # Errors
    /// No threads can be had, or no signals.
    pub fn open() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(HOUSE_THREADS)
            .thread_name("house")
            .enable_all()
            .build()
            .context("no threads can be had")?;
        let in_runtime = runtime.enter();
        let hangups = Hangups::hear().context("SIGHUP cannot be heard")?;
        // Once heard it never ends the process again, whether or not anybody listens.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE)).context("SIGXFSZ cannot be heard")?);
        drop(in_runtime);
        Ok(Self { runtime, hangups })
    }
}

/// How a process begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// By itself.
    Alone,
    /// It takes over from the one that runs in the same `data_dir`, if there is one.
    Upgrade,
}

/// Serves until it is told to stop, or until another process has taken over.
///
/// # Errors
/// Something that is needed cannot be had: a store, an address, a folder. A [`Fault`](doorward_identity::Fault) stays
/// recognisable. Or the process before goes on serving.
pub fn run(house: House, config: Config, sources: Sources, start: Start) -> anyhow::Result<()> {
    let Config { boot, live } = config;
    let House { runtime, hangups } = house;
    let (stop, stopping) = watch::channel(false);
    let run_dir = RunDir::make(&boot.data_dir).context("no folder can be made for our sockets")?;
    let (parts, compiler) = Parts::gather(&boot, live, &runtime, &run_dir, stopping)?;
    let reload = Reload {
        // A file that was read must be there again: without it the defaults would take the place of what it says.
        sources: Sources {
            files: sources.found_files(),
            ..sources
        },
        boot: boot.clone(),
        current: Arc::clone(&parts.current),
        certificates: Arc::clone(&parts.certificates),
        compiler,
        metrics: Arc::clone(&parts.metrics),
    };
    // Last of all, so that the other process waits as briefly as can be, and goes on if anything went wrong.
    let before = match start {
        Start::Alone => None,
        Start::Upgrade => upgrade::take(&boot.data_dir)?,
    };
    let pid_file = Arc::new(PidFile::of(&boot.data_dir));
    let place = Place {
        boot: &boot,
        run_dir: &run_dir,
        pid_file: &pid_file,
    };
    let server = parts.serve(place, before)?;
    let failed = Arc::clone(&server.stop.failed);
    runtime.spawn(reload.follow(hangups));
    server.pingora.run(RunArgs {
        shutdown_signal: Box::new(server.stop),
    });
    stop.send_replace(true);
    runtime.shutdown_timeout(LAST_WORDS);
    drop((pid_file, run_dir));
    match failed.get() {
        Some(why) => Err(anyhow!("{why}")),
        None => Ok(()),
    }
}

/// Where a process is found.
#[derive(Clone, Copy)]
struct Place<'a> {
    boot: &'a Boot,
    run_dir: &'a RunDir,
    pid_file: &'a Arc<PidFile>,
}

/// What every room needs of the others.
struct Parts {
    identity: Arc<Identity>,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    cache: Arc<SessionCache>,
    current: Arc<Current>,
    certificates: Arc<Reread>,
    setup: Option<String>,
}

/// A server that is ready to run.
struct Ready {
    pingora: Server,
    stop: Stop,
}

impl Parts {
    fn gather(
        boot: &Boot,
        live: Live,
        runtime: &Runtime,
        run_dir: &RunDir,
        stopping: watch::Receiver<bool>,
    ) -> anyhow::Result<(Self, Compiler)> {
        let metrics = Arc::new(Metrics::new(&Refusal::REASONS)?);
        let identity = Arc::new(runtime.block_on(Identity::open_in(boot, world(&metrics)))?);
        let setup = runtime
            .block_on(setup::offer(&identity))?
            .map(|token| token.text());
        let clock = Arc::clone(&identity.clock);
        let certificates = Arc::new(Reread::open(&live.certificates, clock)?);
        let (folder, handle) = (run_dir.path(), runtime.handle());
        let compiler = Compiler {
            upstreams: Upstreams::new(folder, handle.clone(), stopping.clone()),
            pages: Pages::new(Arc::clone(&identity), folder, handle.clone(), stopping),
            metrics: Arc::clone(&metrics),
        };
        let current = Arc::new(Current::new(compiler.compile(live)?));
        let stores = Stores {
            sessions: Arc::clone(&identity.sessions),
            keys: Some(Arc::clone(&identity.api_keys)),
        };
        let cache = SessionCache::new(
            stores,
            Arc::clone(&identity.clock),
            Arc::clone(&metrics),
            Bounds::default(),
            runtime.handle().clone(),
        );
        let readiness = Arc::new(readiness(&identity, &cache, &metrics)?);
        let parts = Self {
            identity,
            metrics,
            readiness,
            cache,
            current,
            certificates,
            setup,
        };
        let hashing = Arc::clone(&parts.identity);
        parts
            .metrics
            .ask_hash_queue(move || hashing.passwords.waiting());
        parts.start(runtime);
        parts.deliver(runtime);
        runtime.block_on(parts.hear());
        Ok((parts, compiler))
    }

    /// Starts what runs beside the requests.
    fn start(&self, runtime: &Runtime) {
        let cache = Arc::clone(&self.cache);
        runtime.spawn(async move { cache.follow().await });
        let cache = Arc::clone(&self.cache);
        runtime.spawn(async move { cache.sweep().await });
        runtime.spawn(Arc::clone(&self.certificates).follow());
        runtime.spawn(leftovers::follow(Arc::clone(&self.identity)));
        let identity = Arc::clone(&self.identity);
        runtime.spawn(async move {
            let mut ticks = tokio::time::interval(PRUNE);
            loop {
                ticks.tick().await;
                if let Err(fault) = identity.prune().await {
                    tracing::warn!(%fault, "what is over could not be thrown out");
                }
            }
        });
        let identity = Arc::clone(&self.identity);
        runtime.spawn(async move {
            let mut ticks = tokio::time::interval(keys::CATCH_UP);
            loop {
                ticks.tick().await;
                if let Err(fault) = keys::catch_up(&identity).await {
                    tracing::debug!(%fault, "the signing keys stay as they were known");
                }
            }
        });
    }

    /// Mail goes out beside the requests, from whichever gateway comes to it first.
    fn deliver(&self, runtime: &Runtime) {
        let current = Arc::clone(&self.current);
        let live = Arc::new(move || Arc::clone(&current.load().live));
        runtime.spawn(mail::deliver(Arc::clone(&self.identity), live));
    }

    /// Waits until changes are heard of, a moment at most: what follows works without, but asks more.
    async fn hear(&self) {
        let heard = async {
            while !self.cache.is_linked() {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(FIRST_WORD, heard).await.is_err() {
            tracing::warn!(
                "the session store is away; signed-in people are refused until it is back"
            );
        }
        self.readiness.ask().await;
    }

    /// Binds the sockets and puts the services together.
    fn serve(self, place: Place<'_>, mut before: Option<Taken>) -> anyhow::Result<Ready> {
        let boot = place.boot;
        let listeners = Listeners::bind(boot, before.as_mut())?;
        let admin_socket = Bound::bind(boot.admin_listen, before.as_mut())?;
        let bound = banner::Bound {
            public: listeners.public().context("server.listen is empty")?,
            admin: admin_socket.address(),
        };
        let draining = Arc::new(Draining::default());
        let conf = conf(boot);
        let mut pingora = Server::new_with_opt_and_conf(None, conf);
        pingora.bootstrap();

        let proxies = self.proxies(&pingora, &draining, &listeners)?;
        let mut admin = admin::service(Arc::clone(&self.metrics), Arc::clone(&self.readiness));
        admin.add_tcp(&admin_socket.word());
        admin.threads = Some(1);
        let all: Vec<_> = listeners.into_sockets().chain([admin_socket]).collect();
        let again = all.iter().map(Bound::listener).collect::<Result<_, _>>()?;
        let failed = Arc::new(Failed::new());
        let arriving = Arriving {
            taken: before,
            offer: Offer::new(again, place.run_dir.path(), Arc::clone(&draining))?,
            pid_file: Arc::clone(place.pid_file),
        };
        let arrival = pingora.add_service(Arrival::new(arriving, Arc::clone(&failed)));
        let sockets = pingora.add_service(Sockets::new(all));
        for proxy in proxies {
            let proxy = pingora.add_service(StandDown::new(proxy, Arc::clone(&draining)));
            proxy.add_dependency(&sockets);
            arrival.add_dependency(&proxy);
        }
        let admin = pingora.add_service(StandDown::new(admin, Arc::clone(&draining)));
        admin.add_dependency(&sockets);
        arrival.add_dependency(&admin);
        pingora.add_service(background_service(
            "readiness",
            Asking(Arc::clone(&self.readiness)),
        ));

        let live = Arc::clone(&self.current.load().live);
        print!(
            "{}",
            Banner {
                boot,
                live: &live,
                bound,
                setup: self.setup
            }
        );
        let stop = Stop {
            drain: boot.drain,
            draining,
            readiness: self.readiness,
            metrics: self.metrics,
            failed,
        };
        Ok(Ready { pingora, stop })
    }

    fn proxies(
        &self,
        pingora: &Server,
        draining: &Arc<Draining>,
        listeners: &Listeners,
    ) -> anyhow::Result<Vec<Serving>> {
        let judge = Arc::new(Judge {
            cache: Arc::clone(&self.cache),
            clock: Arc::clone(&self.identity.clock),
            metrics: Arc::clone(&self.metrics),
            current: Arc::clone(&self.current),
            identity: Arc::clone(&self.identity),
            tokens: KnownTokens::default(),
        });
        let ways = |listener| {
            let gate = Arc::new(Gate {
                judge: Arc::clone(&judge),
                request_ids: RequestIds::new(&*self.identity.random),
                draining: Arc::clone(draining),
                tls: listeners.tls_port(),
                listener,
            });
            let long = LongWay(Arc::clone(&gate));
            let mut long = HttpProxy::new(long, Arc::clone(&pingora.configuration));
            long.handle_init_modules();
            Arc::new(Ways::new(gate, Arc::new(long)))
        };
        let hall = Hall {
            current: Arc::clone(&self.current),
            metrics: Arc::clone(&self.metrics),
            draining: Arc::clone(draining),
            crowd: Arc::default(),
        };
        listeners.serve(ways, &Arc::new(hall), &self.certificates)
    }
}

fn world(metrics: &Arc<Metrics>) -> World {
    let tally: Arc<dyn Tally> = Arc::<Metrics>::clone(metrics);
    World {
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        tally,
    }
}

fn readiness(
    identity: &Arc<Identity>,
    cache: &Arc<SessionCache>,
    metrics: &Metrics,
) -> anyhow::Result<Readiness> {
    let (identity, cache) = (Arc::clone(identity), Arc::clone(cache));
    let store = identity.sessions.store();
    let accounts: Probe = Box::new(move || {
        let identity = Arc::clone(&identity);
        Box::pin(async move { identity.ping_database().await })
    });
    // The watch proves that the store answers; asking it once more would only be load.
    let sessions: Probe = Box::new(move || {
        let linked = cache.is_linked();
        Box::pin(async move {
            if linked {
                Ok(())
            } else {
                Err(Fault::away(store, "changes of sessions are not heard of"))
            }
        })
    });
    Ok(Readiness::new()
        .check(metrics, "accounts", accounts)?
        .check(metrics, "sessions", sessions)?)
}

fn conf(boot: &Boot) -> ServerConf {
    let threads = boot.threads.map_or_else(cores, NonZeroUsize::get);
    ServerConf {
        threads,
        ..ServerConf::default()
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
