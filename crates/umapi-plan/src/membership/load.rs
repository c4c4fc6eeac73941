//! How many commands a root needs for the names it carries.

use umapi_model::limits::{NAMES_PER_LIST, STEPS_PER_COMMAND};

use super::change::MembershipAction;

/// Names in one command at most.
pub(super) const NAMES_PER_COMMAND: usize = NAMES_PER_LIST * STEPS_PER_COMMAND;

/// Names to be added and to be removed on one root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    names: [u32; 2],
}

impl Load {
    pub(super) fn add(&mut self, action: MembershipAction) {
        self.names[action as usize] += 1;
    }

    pub(super) fn take(&mut self, action: MembershipAction) {
        self.names[action as usize] -= 1;
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { names: [self.names[0] + other.names[0], self.names[1] + other.names[1]] }
    }

    pub(super) fn total(self) -> usize {
        (self.names[0] + self.names[1]) as usize
    }

    fn lists(self) -> u32 {
        self.names.iter().map(|names| names.div_ceil(NAMES_PER_LIST as u32)).sum()
    }

    /// Commands that carry it: ten lists each, and a list holds ten names to be added or ten to be removed.
    pub(super) fn commands(self) -> u32 {
        self.lists().div_ceil(STEPS_PER_COMMAND as u32)
    }

    /// Whether one more name costs nothing.
    pub(super) fn has_room(self, action: MembershipAction) -> bool {
        let mut more = self;
        more.add(action);
        more.commands() == self.commands()
    }

    /// How many names of each action must go for the load to need a command less: the fewest.
    pub(super) fn excess(self) -> [u32; 2] {
        let (mut left, mut moved) = (self, [0, 0]);
        while left.commands() == self.commands() && left.total() > 0 {
            // The list that is easiest to get rid of.
            let last = |action: usize| match left.names[action] {
                0 => u32::MAX,
                names => (names - 1) % NAMES_PER_LIST as u32 + 1,
            };
            let action = usize::from(last(1) < last(0));
            moved[action] += last(action);
            left.names[action] -= last(action);
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(adds: u32, removes: u32) -> Load {
        Load { names: [adds, removes] }
    }

    #[test]
    fn lists_hold_ten_names_of_one_action_and_commands_ten_lists() {
        for (adds, removes, commands) in
            [(0, 0, 0), (1, 0, 1), (100, 0, 1), (101, 0, 2), (91, 9, 2), (90, 10, 1), (5, 5, 1)]
        {
            assert_eq!(load(adds, removes).commands(), commands, "{adds}, {removes}");
        }
    }

    #[test]
    fn room_and_excess_are_about_lists() {
        assert!(load(95, 0).has_room(MembershipAction::Add) && !load(95, 0).has_room(MembershipAction::Remove));
        assert!(!load(0, 0).has_room(MembershipAction::Add) && !load(100, 0).has_room(MembershipAction::Add));
        for (adds, removes, excess) in
            [(104, 0, [4, 0]), (91, 9, [1, 0]), (98, 2, [0, 2]), (7, 0, [7, 0]), (110, 5, [10, 5])]
        {
            assert_eq!(load(adds, removes).excess(), excess, "{adds}, {removes}");
        }
    }
}
