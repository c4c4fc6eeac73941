/// Why the store could not do its work: never a rule of the service, always the store itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite refused: a full disk, an unreadable file, a broken invariant.
    #[error("the store's database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file was written by a version of the emulator whose layout is another one.
    #[error(
        "the data file has layout {found}, this emulator reads and writes layout {expected}: start with a new file"
    )]
    Layout {
        /// The layout of the file.
        found: i64,
        /// The layout that this emulator knows.
        expected: i64,
    },
    /// A stored list (secrets, scopes) is no JSON.
    #[error("the store's database holds a list that is no JSON: {0}")]
    Stored(#[from] serde_json::Error),
    /// The machine has no random bytes to make a key from.
    #[error("the machine has no random bytes to make the key of the tokens from")]
    Randomness,
}
