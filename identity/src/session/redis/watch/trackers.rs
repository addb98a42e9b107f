//! The connections that changes are heard on: one to each server that may have a session, each with a question whose
//! answer shows that this is still so.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo};
use tokio::sync::mpsc;

use super::{DEADLINE, End};
use crate::session::redis::cluster::{Cluster, State, View, state};
use crate::session::redis::dial::{Address, Dial};
use crate::session::redis::keys::SESSIONS;
use crate::session::redis::place::Place;
use crate::session::redis::question::{Role, role};
use crate::session::redis::sentinel::Sentinel;

type Pushes = mpsc::UnboundedSender<PushInfo>;

/// Everything that must be heard.
pub(super) enum Trackers<'a> {
    /// The only server.
    One(MultiplexedConnection),
    /// The master that Sentinel names.
    Master {
        sentinel: &'a Sentinel,
        connection: MultiplexedConnection,
        address: Address,
    },
    /// Every master of a cluster.
    Nodes {
        cluster: &'a Cluster,
        connections: Vec<(Address, MultiplexedConnection)>,
        view: Arc<View>,
    },
}

impl<'a> Trackers<'a> {
    /// Connects to all of them. When this returns, what is read from any is told of when it changes.
    pub(super) async fn connect(place: &'a Place, pushes: &Pushes) -> Result<Self, End> {
        let asked = Instant::now();
        let trackers = match place {
            Place::One { dial, .. } => Self::One(connect(dial, pushes).await?),
            Place::Sentinel(sentinel) => {
                let address = sentinel.named(asked + DEADLINE).await?;
                Self::Master {
                    connection: connect(&sentinel.dial(&address), pushes).await?,
                    sentinel,
                    address,
                }
            }
            Place::Cluster(cluster) => {
                let view = cluster.fresh(asked + DEADLINE).await?;
                let masters = view
                    .masters()
                    .map(|address| connect_to(cluster, address, pushes));
                let connections = try_join_all(masters).await?;
                Self::Nodes {
                    cluster,
                    connections,
                    view: Arc::new(view),
                }
            }
        };
        // From here on questions go where changes are heard, and nowhere else.
        trackers.prove(asked).await?;
        Ok(trackers)
    }

    /// Shows that every change up to `as_of` has been pushed: each connection answers behind its pushes, and these are
    /// still all that can change.
    pub(super) async fn prove(&self, as_of: Instant) -> Result<(), End> {
        match self {
            Self::One(connection) => {
                let ping = redis::cmd("PING");
                ping.query_async::<String>(&mut connection.clone()).await?;
                Ok(())
            }
            Self::Master {
                sentinel,
                connection,
                address,
            } => {
                let role = async { role(connection.clone()).await.map_err(End::from) };
                let named = async { sentinel.named(as_of + DEADLINE).await.map_err(End::from) };
                let (role, named) = tokio::try_join!(role, named)?;
                if role == Role::Other || named != *address {
                    return Err(End::Lost(format!("{address} is not the master any more")));
                }
                sentinel.install(named, as_of).await?;
                Ok(())
            }
            Self::Nodes {
                cluster,
                connections,
                view,
            } => {
                let states = connections
                    .iter()
                    .map(|(address, connection)| state(connection.clone(), address));
                for (state, seen) in try_join_all(states).await? {
                    if state == State::Failed || !seen.agrees_with(view) {
                        return Err(End::Lost(
                            "the nodes of the cluster do not agree".to_owned(),
                        ));
                    }
                }
                cluster.install(Arc::clone(view)).await;
                Ok(())
            }
        }
    }
}

async fn connect_to(
    cluster: &Cluster,
    address: &Address,
    pushes: &Pushes,
) -> Result<(Address, MultiplexedConnection), End> {
    let connection = connect(&cluster.dial(address), pushes).await?;
    Ok((address.clone(), connection))
}

/// A connection that is told of every session that changes on its server.
async fn connect(dial: &Dial, pushes: &Pushes) -> Result<MultiplexedConnection, End> {
    let config = AsyncConnectionConfig::new()
        .set_push_sender(pushes.clone())
        .set_connection_timeout(Some(DEADLINE))
        .set_response_timeout(Some(DEADLINE));
    let mut connection = dial
        .client()?
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    redis::pipe()
        .cmd("CLIENT")
        .arg("SETNAME")
        .arg("doorward-watch")
        .ignore()
        .cmd("CLIENT")
        .arg("TRACKING")
        .arg("ON")
        .arg("BCAST")
        .arg("PREFIX")
        .arg(SESSIONS)
        .ignore()
        .exec_async(&mut connection)
        .await?;
    Ok(connection)
}
