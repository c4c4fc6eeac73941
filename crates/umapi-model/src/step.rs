//! What the description says about steps of commands, besides their fields.

/// Where in a command a step may stand.
///
/// ```
/// use umapi_model::{NewAdobeId, StepPosition, UserStep};
///
/// let step = UserStep::AddAdobeId(NewAdobeId::new("ann@example.com"));
/// assert_eq!((step.name(), step.position()), ("addAdobeID", StepPosition::First));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepPosition {
    /// First, and only once.
    First,
    /// Last, and only once.
    Last,
    /// In any place, any number of times.
    Anywhere,
}

/// What the names of a list in a step stand for. Exhaustive, for code that must handle each: not part of the stable API.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// Groups of any kind.
    Group,
    /// Product profiles.
    Profile,
    /// Products.
    Product,
    /// Users.
    User,
}
