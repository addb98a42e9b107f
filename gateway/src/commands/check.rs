//! `doorward check`: whether a start with this configuration would work.
//!
//! Nothing is made that is not there: a database that a first start would make is only asked whether it could be.

use std::path::Path;
use std::time::SystemTime;

use doorward_config::{Boot, Config, DatabaseUrl, HostPattern, Live, Sources};
use doorward_identity::{Clock, SystemClock};
use rustix::fs::{Access, access};

use super::exit::Trouble;
use super::print::say;
use super::{open, settings};

/// Whether the configuration is right.
pub fn offline(sources: &Sources) -> Result<(), Trouble> {
    let config = settings::load(sources)?;
    praise(sources, &config)
}

/// Whether it is right and the stores that it names can be used.
pub fn check(sources: &Sources) -> Result<(), Trouble> {
    let config = settings::load(sources)?;
    stores(&config.boot)?;
    praise(sources, &config)
}

/// What is right, but not for long, not any more, or not what is meant.
fn warn(config: &Config) {
    if let Some((site, host)) = site_on_portal(&config.live) {
        eprintln!(
            "warning: the site {site} is on {host}, the host of portal.url: its scripts could read what people type \
             when they sign in for the other hosts; give portal.url a host of its own"
        );
    }
    let now = SystemTime::from(SystemClock.now());
    for certificate in &config.live.certificates {
        let pair = certificate.files().and_then(|files| files.pair());
        if pair.is_ok_and(|pair| pair.ends < now) {
            let chain = certificate.chain.display();
            eprintln!("warning: the certificate in {chain} has expired; browsers will refuse it");
        }
    }
}

/// A site that shares its origin with the sign-in of others.
fn site_on_portal(live: &Live) -> Option<(&str, &str)> {
    let portal = live.portal.url.as_ref()?.host_str()?;
    let named = |host: &HostPattern| *host != HostPattern::Any;
    let others = live.sites.iter().filter(|site| named(&site.host)).count() > 1;
    let own = HostPattern::Exact(portal.to_owned());
    let site = live.sites.iter().find(|site| site.host == own)?;
    others.then_some((site.name.as_str(), portal))
}

fn praise(sources: &Sources, config: &Config) -> Result<(), Trouble> {
    warn(config);
    let files = sources.found_files();
    let from = if files.is_empty() {
        "no file, all defaults".to_owned()
    } else {
        let names: Vec<_> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        names.join(", ")
    };
    let sites: Vec<_> = config
        .live
        .sites
        .iter()
        .map(|site| site.name.as_str())
        .collect();
    say(&format!("ok: {from}; sites: {}\n", sites.join(", ")))
}

fn stores(boot: &Boot) -> Result<(), Trouble> {
    let file = match &boot.database {
        DatabaseUrl::Sqlite(file) if !file.exists() => file,
        _ => return open::with_stores(boot, open::reachable),
    };
    writable(file)?;
    if boot.redis.is_none() {
        return Ok(());
    }
    // Redis is asked from a folder that is thrown away, so that no database is made where it does not belong yet.
    let scratch = tempfile::tempdir().map_err(|error| {
        Trouble::refused(format!("error: no temporary folder can be made: {error}"))
    })?;
    let elsewhere = Boot {
        data_dir: scratch.path().to_owned(),
        secret_file: scratch.path().join("secret.key"),
        database: DatabaseUrl::Sqlite(scratch.path().join("check.db")),
        ..boot.clone()
    };
    open::with_stores(&elsewhere, open::reachable)
}

/// The nearest folder above `file` that is there must take a new entry.
fn writable(file: &Path) -> Result<(), Trouble> {
    let parents = file.ancestors().skip(1);
    let nearest = parents
        .map(|folder| {
            if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            }
        })
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("."));
    access(nearest, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        Trouble::away(format!(
            "error: the database {} cannot be made: {}: {error}\n\
             help: make the folder writable for the user that runs doorward, or change database.url",
            file.display(),
            nearest.display()
        ))
    })
}
