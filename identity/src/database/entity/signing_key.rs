//! `signing_key`: the keys that tokens are signed with.

use sea_orm::entity::prelude::*;

/// A row: one key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// `next`, `current` or `previous`.
    pub state: String,
    /// Since when it is that, milliseconds since 1970.
    pub since: i64,
    /// PKCS #8, encrypted with the server's secret.
    #[sea_orm(column_type = "VarBinary(StringLen::N(255))")]
    pub sealed: Vec<u8>,
    /// The public point, uncompressed (SEC 1 §2.3.3).
    #[sea_orm(column_type = "VarBinary(StringLen::N(65))")]
    pub point: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
