//! The session tables as `SeaORM` sees them.

/// One session.
pub mod session {
    use sea_orm::entity::prelude::*;

    /// A row of `session`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        /// SHA-256 of the token, 32 bytes.
        #[sea_orm(
            primary_key,
            auto_increment = false,
            column_type = "VarBinary(StringLen::N(32))"
        )]
        pub key: Vec<u8>,
        /// The account, 16 bytes.
        #[sea_orm(column_type = "VarBinary(StringLen::N(16))")]
        pub account_id: Vec<u8>,
        /// The account's version that the record's rights were taken from.
        pub generation: i64,
        /// The record, as JSON.
        #[sea_orm(column_type = "Text")]
        pub record: String,
        /// Absolute end, milliseconds since 1970 UTC.
        pub ends_at: i64,
        /// Last use, milliseconds since 1970 UTC.
        pub last_seen: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// One change that watchers must hear of.
pub mod session_change {
    use sea_orm::entity::prelude::*;

    /// A row of `session_change`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session_change")]
    pub struct Model {
        /// Its number, without gaps.
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        /// The session that changed.
        #[sea_orm(column_type = "VarBinary(StringLen::N(32))")]
        pub key: Vec<u8>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The number of the newest change: one row.
pub mod session_clock {
    use sea_orm::entity::prelude::*;

    /// The id of the one row.
    pub const ONLY: i32 = 1;

    /// The row of `session_clock`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session_clock")]
    pub struct Model {
        /// Always [`ONLY`].
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        /// The newest number given out.
        pub seq: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
