//! API keys.

use sea_orm_migration::prelude::*;

use crate::database::entity::account;
use crate::database::entity::api_key::{Column, Entity};
use crate::database::migration::create_table;

/// Longest name, in characters.
const NAME: u32 = 64;

/// The step.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0008_api_keys"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_table(manager, keys()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("api_key").to_owned())
            .await
    }
}

fn keys() -> TableCreateStatement {
    Table::create()
        .table(Entity)
        .col(
            ColumnDef::new(Column::Hash)
                .var_binary(32)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::PublicId).string_len(12).not_null())
        .col(ColumnDef::new(Column::AccountId).var_binary(16).not_null())
        .col(ColumnDef::new(Column::Name).string_len(NAME).not_null())
        .col(ColumnDef::new(Column::Scope).text().not_null())
        .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .col(ColumnDef::new(Column::LastUsedAt).big_integer())
        .col(ColumnDef::new(Column::RevokedAt).big_integer())
        .foreign_key(
            // Goes when the account goes.
            ForeignKey::create()
                .name("api_key_account")
                .from(Entity, Column::AccountId)
                .to(account::Entity, account::Column::Id)
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn indexes() -> [IndexCreateStatement; 3] {
    let index = |name: &str| Index::create().name(name).table(Entity).to_owned();
    [
        index("api_key_by_public_id")
            .unique()
            .col(Column::PublicId)
            .to_owned(),
        index("api_key_by_account")
            .col(Column::AccountId)
            .to_owned(),
        index("api_key_by_end").col(Column::ExpiresAt).to_owned(),
    ]
}
