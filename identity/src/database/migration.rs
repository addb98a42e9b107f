//! Every step from an empty database to the tables of today, in order. A step that was released never changes.

mod m0001_accounts;
mod m0003_server_secret;
mod m0004_mail_and_codes;
mod m0005_two_factor;
mod m0006_invite;

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

/// The one list of steps.
pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(crate::session::sql::migration::Migration),
            Box::new(m0003_server_secret::Migration),
            Box::new(m0005_two_factor::Migration),
            Box::new(m0004_mail_and_codes::Migration),
            Box::new(m0006_invite::Migration),
        ]
    }
}
