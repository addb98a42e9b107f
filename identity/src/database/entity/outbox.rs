//! `outbox`: mail that was not delivered yet.

use sea_orm::entity::prelude::*;

/// A row: one message.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(
        primary_key,
        auto_increment = false,
        column_type = "VarBinary(StringLen::N(16))"
    )]
    pub id: Vec<u8>,
    pub kind: String,
    /// To whom and what, encrypted: there are codes in it.
    #[sea_orm(column_type = "Blob")]
    pub sealed: Vec<u8>,
    pub created_at: i64,
    /// It is not delivered after that.
    pub expires_at: i64,
    /// How often somebody set out to deliver it.
    pub tries: i32,
    /// When somebody may do so next; while somebody does, when they will be taken for dead.
    pub next_try_at: i64,
    /// Whoever does so now.
    #[sea_orm(column_type = "VarBinary(StringLen::N(16))", nullable)]
    pub claim: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
