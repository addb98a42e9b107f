//! Mailed codes, and mail on its way.

use sea_orm_migration::prelude::*;

use crate::database::entity::{one_time_code, outbox};
use crate::database::migration::create_table;

/// Longest e-mail address, in bytes.
const EMAIL: u32 = 254;

/// The step.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_mail_and_codes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_table(manager, codes()).await?;
        create_table(manager, outbox()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["outbox", "one_time_code"] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        Ok(())
    }
}

fn codes() -> TableCreateStatement {
    use one_time_code::Column;
    Table::create()
        .table(one_time_code::Entity)
        .col(
            ColumnDef::new(Column::Flow)
                .var_binary(32)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::Purpose).string_len(16).not_null())
        .col(ColumnDef::new(Column::AccountId).var_binary(16))
        .col(ColumnDef::new(Column::Address).string_len(EMAIL).not_null())
        .col(
            ColumnDef::new(Column::AddressShown)
                .string_len(EMAIL)
                .not_null(),
        )
        .col(ColumnDef::new(Column::CodeHash).var_binary(32))
        .col(ColumnDef::new(Column::LinkHash).var_binary(32))
        .col(ColumnDef::new(Column::Tries).integer().not_null())
        .col(ColumnDef::new(Column::Remembered).boolean().not_null())
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .to_owned()
}

fn outbox() -> TableCreateStatement {
    use outbox::Column;
    Table::create()
        .table(outbox::Entity)
        .col(
            ColumnDef::new(Column::Id)
                .var_binary(16)
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new(Column::Kind).string_len(32).not_null())
        .col(ColumnDef::new(Column::Sealed).blob().not_null())
        .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .col(ColumnDef::new(Column::Tries).integer().not_null())
        .col(ColumnDef::new(Column::NextTryAt).big_integer().not_null())
        .col(ColumnDef::new(Column::Claim).var_binary(16))
        .to_owned()
}

fn indexes() -> [IndexCreateStatement; 5] {
    use one_time_code::Column;
    let on_codes = |name: &str| {
        Index::create()
            .name(name)
            .table(one_time_code::Entity)
            .to_owned()
    };
    [
        on_codes("one_time_code_by_address")
            .col(Column::Address)
            .to_owned(),
        on_codes("one_time_code_by_account")
            .col(Column::AccountId)
            .to_owned(),
        on_codes("one_time_code_by_link")
            .unique()
            .col(Column::LinkHash)
            .to_owned(),
        on_codes("one_time_code_by_end")
            .col(Column::ExpiresAt)
            .to_owned(),
        Index::create()
            .name("outbox_by_turn")
            .table(outbox::Entity)
            .col(outbox::Column::NextTryAt)
            .to_owned(),
    ]
}
