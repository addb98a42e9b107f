//! Tickets from one host to another.

use sea_orm_migration::prelude::*;

use crate::database::entity::ticket::{Column, Entity};
use crate::database::migration::create_table;

/// The step.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0009_ticket"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Entity)
            .col(
                ColumnDef::new(Column::Hash)
                    .var_binary(32)
                    .not_null()
                    .primary_key(),
            )
            .col(ColumnDef::new(Column::BoundTo).var_binary(32).not_null())
            .col(ColumnDef::new(Column::Session).var_binary(32).not_null())
            .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
            .to_owned();
        create_table(manager, table).await?;
        for (name, column) in [
            ("ticket_by_end", Column::ExpiresAt),
            ("ticket_by_session", Column::Session),
        ] {
            let index = Index::create()
                .name(name)
                .table(Entity)
                .col(column)
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("ticket").to_owned())
            .await
    }
}
