//! The limit of `--max-removals`.

use std::{fmt, str::FromStr};

/// The most memberships that one call may remove: a number, or a share of those that exist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MaxRemovals {
    Count(usize),
    /// In percent.
    Share(f64),
}

impl MaxRemovals {
    /// Whether this many removals are allowed, of this many existing memberships.
    pub(crate) fn allows(self, removals: usize, current: usize) -> bool {
        match self {
            Self::Count(most) => removals <= most,
            Self::Share(_) if removals == 0 => true,
            Self::Share(percent) => removals as f64 * 100.0 <= current as f64 * percent,
        }
    }
}

impl FromStr for MaxRemovals {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mistake = || format!("`{text}` is neither a number such as 50 nor a share such as 20%");
        match text.strip_suffix('%') {
            Some(percent) => match percent.trim().parse() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Share(percent)),
                _ => Err(mistake()),
            },
            None => text.parse().map(Self::Count).map_err(|_| mistake()),
        }
    }
}

impl fmt::Display for MaxRemovals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(most) => write!(f, "{most}"),
            Self::Share(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_a_number_or_a_share() {
        let allows = |text: &str, removals, current| text.parse::<MaxRemovals>().unwrap().allows(removals, current);
        assert!(allows("5", 5, 5) && !allows("5", 6, 100) && !allows("0", 1, 100));
        assert!(allows("20%", 20, 100) && !allows("20%", 21, 100) && allows("0%", 0, 0) && allows("12.5%", 1, 8));
        for bad in ["", "%", "-1", "101%", "NaN%", "many"] {
            assert!(bad.parse::<MaxRemovals>().is_err(), "{bad}");
        }
        assert_eq!("20 %".parse::<MaxRemovals>().unwrap().to_string(), "20%");
    }
}
