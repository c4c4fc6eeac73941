//! Memberships that wait to be sent, root by root, and the commands that are made of them.

use std::collections::{HashMap, VecDeque};

use umapi_model::{
    self as model, UserCommand, UserGroupCommand, UserGroupMembers, UserGroupRemoval, UserGroupStep, UserMemberships,
    UserRemoval, UserStep, limits,
};

use super::bipartite::USERS;
use super::change::MembershipAction;
use super::plan::MembershipPlan;

/// A user or a group from which memberships are set: its side and its number there.
pub(super) type Root = (usize, u32);

/// At most ten memberships of one root that are set, or refused, together.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) action: MembershipAction,
    pub(super) links: Vec<u32>,
}

/// At most ten lists of one root.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    pub(super) root: Root,
    pub(super) lists: Vec<List>,
}

/// What is not sent.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Roots of which something waits.
    queue: VecDeque<Root>,
    waiting: HashMap<Root, Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By action: names that may stand in any list.
    loose: [VecDeque<u32>; 2],
    /// Lists that are to be tried as they are.
    whole: VecDeque<List>,
}

impl Pool {
    pub(super) fn add(&mut self, root: Root, action: MembershipAction, link: u32) {
        self.waiting(root).loose[action as usize].push_back(link);
    }

    /// Adds a list that nothing may be added to: it is a part of one that was refused, and may be good.
    pub(super) fn add_whole(&mut self, root: Root, list: List) {
        self.waiting(root).whole.push_back(list);
    }

    fn waiting(&mut self, root: Root) -> &mut Waiting {
        let queue = &mut self.queue;
        self.waiting.entry(root).or_insert_with(|| {
            queue.push_back(root);
            Waiting::default()
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether at least so many commands are needed for what waits.
    pub(super) fn commands_reach(&self, commands: usize) -> bool {
        let mut sum = 0;
        self.queue.iter().filter_map(|root| self.waiting.get(root)).any(|waiting| {
            sum += waiting.lists().div_ceil(limits::STEPS_PER_COMMAND);
            sum >= commands
        })
    }

    /// Commands that are needed for what waits.
    pub(super) fn commands(&self) -> usize {
        self.waiting.values().map(|waiting| waiting.lists().div_ceil(limits::STEPS_PER_COMMAND)).sum()
    }

    /// The next command, without taking it.
    pub(super) fn next(&self) -> Option<Lists> {
        let root = *self.queue.front()?;
        let waiting = self.waiting.get(&root)?;
        let mut lists: Vec<List> = waiting.whole.iter().take(limits::STEPS_PER_COMMAND).cloned().collect();
        for action in [MembershipAction::Add, MembershipAction::Remove] {
            let room = limits::STEPS_PER_COMMAND - lists.len();
            let names: Vec<u32> =
                waiting.loose[action as usize].iter().take(room * limits::NAMES_PER_LIST).copied().collect();
            lists.extend(names.chunks(limits::NAMES_PER_LIST).map(|links| List { action, links: links.to_vec() }));
        }
        Some(Lists { root, lists })
    }

    /// Takes what [`next`](Self::next) showed.
    pub(super) fn take(&mut self, command: &Lists) {
        let Some(waiting) = self.waiting.get_mut(&command.root) else { return };
        for list in &command.lists {
            if waiting.whole.front().is_some_and(|whole| whole.links == list.links) {
                waiting.whole.pop_front();
            } else {
                waiting.loose[list.action as usize].drain(..list.links.len());
            }
        }
        if waiting.lists() == 0 {
            self.waiting.remove(&command.root);
            self.queue.pop_front();
        }
    }

    /// Everything that waits.
    pub(super) fn drain(&mut self) -> Vec<u32> {
        self.queue.clear();
        let all = |waiting: Waiting| {
            let whole = waiting.whole.into_iter().flat_map(|list| list.links);
            whole.chain(waiting.loose.into_iter().flatten()).collect::<Vec<_>>()
        };
        self.waiting.drain().flat_map(|(_, waiting)| all(waiting)).collect()
    }
}

impl Waiting {
    fn lists(&self) -> usize {
        let loose = self.loose.iter().map(|names| names.len().div_ceil(limits::NAMES_PER_LIST)).sum::<usize>();
        self.whole.len() + loose
    }
}

impl Lists {
    /// The command in the service's form.
    pub(super) fn command(&self, plan: &MembershipPlan) -> model::Command {
        let (side, node) = self.root;
        let names = |list: &List| list.links.iter().map(|link| plan.listed_name(*link).to_owned()).collect::<Vec<_>>();
        if side == USERS {
            let user = &plan.memberships.users[node as usize];
            let steps = self.lists.iter().map(|list| {
                let groups = UserMemberships::default().with_group(names(list));
                match list.action {
                    MembershipAction::Add => UserStep::Add(groups),
                    MembershipAction::Remove => UserStep::Remove(UserRemoval::These(groups)),
                }
            });
            let mut command = UserCommand::new(user.name(), steps);
            command.domain = user.domain().map(str::to_owned);
            command.use_adobe_id = user.is_adobe_id().then_some(true);
            return command.into();
        }
        let steps = self.lists.iter().map(|list| {
            let users = UserGroupMembers::default().with_user(names(list));
            match list.action {
                MembershipAction::Add => UserGroupStep::Add(users),
                MembershipAction::Remove => UserGroupStep::Remove(UserGroupRemoval::These(users)),
            }
        });
        UserGroupCommand::new(plan.memberships.groups[node as usize].name(), steps).into()
    }
}

impl MembershipPlan {
    /// The name under which a membership stands in a list: that of its other end.
    pub(super) fn listed_name(&self, link: u32) -> &str {
        let of = &self.links[link as usize];
        if self.side[link as usize] == USERS {
            self.memberships.groups[of.group as usize].name()
        } else {
            self.memberships.users[of.user as usize].name()
        }
    }

    pub(super) fn root(&self, link: u32) -> Root {
        let (of, side) = (&self.links[link as usize], self.side[link as usize]);
        (side, if side == USERS { of.user } else { of.group })
    }
}
