//! Every step from an empty database to the tables of today, in order. A step that was released never changes.

mod m0001_accounts;
mod m0003_server_secret;
mod m0004_mail_and_codes;
mod m0005_two_factor;
mod m0006_invite;
mod m0007_tokens;
mod m0008_api_keys;
mod m0009_ticket;
mod m0010_revoked_api_keys;

use sea_orm::DbBackend;
use sea_orm::sea_query::TableCreateStatement;
use sea_orm_migration::{DbErr, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

/// Makes a table. `MySQL` and `MariaDB` have to be told that texts are compared byte by byte, as they are elsewhere:
/// else `ß` would be `s` in their unique indexes, or could not be kept at all.
pub(crate) async fn create_table(
    manager: &SchemaManager<'_>,
    mut table: TableCreateStatement,
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::MySql {
        table
            .engine("InnoDB")
            .character_set("utf8mb4")
            .collate("utf8mb4_bin");
    }
    manager.create_table(table).await
}

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
            Box::new(m0007_tokens::Migration),
            Box::new(m0008_api_keys::Migration),
            Box::new(m0009_ticket::Migration),
            Box::new(m0010_revoked_api_keys::Migration),
        ]
    }
}
