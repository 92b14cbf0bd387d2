//! What rates a command.

/// How risky a command is; ordered.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Risk {
    /// Runs.
    Green,
    /// Runs and warns.
    Yellow,
    /// Waits for a person's yes.
    Red,
}
