//! Invitations.

use sea_orm_migration::prelude::*;

use crate::database::entity::invite::{Column, Entity};
use crate::database::migration::create_table;

/// Longest e-mail address, in bytes.
const EMAIL: u32 = 254;

/// The step.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0006_invite"
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
            .col(ColumnDef::new(Column::Address).string_len(EMAIL).not_null())
            .col(
                ColumnDef::new(Column::AddressShown)
                    .string_len(EMAIL)
                    .not_null(),
            )
            .col(ColumnDef::new(Column::Roles).text().not_null())
            .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
            .to_owned();
        create_table(manager, table).await?;
        let index = Index::create()
            .name("invite_by_address")
            .table(Entity)
            .unique()
            .col(Column::Address)
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("invite").to_owned())
            .await
    }
}
