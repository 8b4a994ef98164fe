//! Orders that depend on others, and on the position.

use genovo_engine::event::Side;
use genovo_engine::order::Status;

use super::{Link, Rule, Venue};

impl Venue<'_> {
    /// The other members of an order's list that are linked to it in this way.
    fn others(&self, index: usize, link: Link) -> Vec<usize> {
        let list = self.plan[index].list;
        let other = |&other: &usize| {
            let order = &self.plan[other];
            other != index && list.is_some() && order.list == list && order.link == link
        };
        (0..self.plan.len()).filter(other).collect()
    }

    /// How much an order of this side could take from the position.
    pub(super) fn reducible(&self, side: Side) -> i64 {
        (-self.position * side.sign()).max(0)
    }

    /// What of an order may be filled now.
    pub(super) fn open(&self, index: usize) -> i64 {
        self.left[index] - self.held[index]
    }

    /// The share of an exit that a part of what an entry had left arms.
    fn share(&self, held: i64, part: i64, rest: i64) -> i64 {
        if part == rest || !self.plays(Rule::ArmedByShare) {
            return held;
        }
        let lot = i128::from(self.settings.instruments[0].lot.0);
        let share = i128::from(held) * i128::from(part) / i128::from(rest);
        (share - share % lot) as i64
    }

    /// An order is sent. Whether it works, and does not wait for another one.
    pub(super) fn joins(&mut self, index: usize) -> bool {
        let order = &self.plan[index];
        if order.link == Link::Exit {
            let entry = order.list.expect("an exit has an entry");
            let (whole, rest) = (self.plan[entry].quantity.0, self.left[entry]);
            if self.outcomes[entry].status.is_terminal() && rest == whole {
                let ours = self.plays(Rule::EntryGone);
                self.end(index, if ours { Status::Rejected } else { Status::Cancelled });
                return false;
            }
            let armed = if rest < whole { self.share(self.left[index], whole - rest, whole) } else { 0 };
            self.held[index] = self.left[index] - armed;
            if self.outcomes[entry].status.is_terminal() {
                self.left[index] = armed;
                self.held[index] = 0;
            }
            return armed > 0 && self.is_armed(index);
        }
        if order.reduce && self.reducible(order.side) == 0 {
            self.end(index, Status::Rejected);
            return false;
        }
        true
    }

    /// Whether an exit has something to reduce when its entry is filled.
    fn is_armed(&mut self, index: usize) -> bool {
        let there = self.reducible(self.plan[index].side) > 0;
        if !there && !self.plays(Rule::NothingToReduce) {
            self.end(index, Status::Rejected);
        } else if !there {
            self.loses(index, self.open(index));
        }
        there
    }

    /// An order that had so much left was filled: others are armed, ended or bounded by it.
    pub(super) fn passed_on(&mut self, index: usize, before: i64) {
        let (order, quantity) = (&self.plan[index], before - self.left[index]);
        self.position += quantity * order.side.sign();
        match order.link {
            Link::Alone => {}
            Link::Entry => {
                let works = |status| matches!(status, Status::Accepted | Status::PartiallyFilled);
                let mut exits = self.others(index, Link::Exit);
                exits.retain(|&exit| works(self.outcomes[exit].status));
                exits.retain(|&exit| {
                    let armed = self.share(self.held[exit], quantity, before);
                    self.held[exit] -= armed;
                    armed > 0
                });
                self.arriving = exits.clone();
                for exit in exits {
                    self.arriving.retain(|&other| other != exit);
                    if self.open(exit) > 0 && self.is_armed(exit) {
                        self.arrives(exit);
                    }
                }
            }
            Link::Exit => {
                for other in self.others(index, Link::Exit) {
                    self.loses(other, quantity);
                }
            }
            Link::Alternative => {
                let is_limit = self.limit(index).is_some();
                for other in self.others(index, Link::Alternative) {
                    let all = !self.plays(Rule::PartOfOne);
                    self.loses(other, if all { self.left[other] } else { quantity });
                }
                if self.left[index] > 0 && is_limit && !self.plays(Rule::PartOfOne) {
                    self.end(index, Status::Cancelled);
                }
            }
        }
        if self.plays(Rule::ReduceBound) {
            for index in self.resting.clone() {
                self.bound(index);
            }
        }
    }

    /// An order loses what another one filled; nothing left ends it.
    fn loses(&mut self, index: usize, quantity: i64) {
        let awaited = self.arriving.contains(&index) && !self.plays(Rule::NothingToReduce);
        if self.outcomes[index].status.is_terminal() || awaited {
            return;
        }
        self.left[index] = (self.left[index] - quantity).max(0);
        self.held[index] = self.held[index].min(self.left[index]);
        if self.left[index] == 0 {
            self.end(index, Status::Cancelled);
        }
    }

    /// Keeps an order that only reduces within what there is to reduce; nothing ends it.
    pub(super) fn bound(&mut self, index: usize) {
        let order = &self.plan[index];
        if order.reduce {
            let most = self.reducible(order.side) + self.held[index];
            self.left[index] = self.left[index].min(most);
            if self.left[index] == 0 {
                self.end(index, Status::Cancelled);
            }
        }
    }

    /// Theirs: an order that only reduces is met. Whether there is a position.
    pub(super) fn may_fill(&mut self, index: usize) -> bool {
        if !self.plan[index].reduce || self.plays(Rule::ReduceBound) {
            return self.open(index) > 0;
        }
        self.left[index] = self.left[index].min(self.position.abs());
        self.held[index] = self.held[index].min(self.left[index]);
        if self.left[index] == 0 {
            self.end(index, Status::Cancelled);
            self.taken_back(index);
        }
        self.open(index) > 0
    }

    /// An order was cancelled by us, or its time ended.
    pub(super) fn taken_back(&mut self, index: usize) {
        match self.plan[index].link {
            Link::Alone => {}
            Link::Entry => {
                for exit in self.others(index, Link::Exit) {
                    let unsent = self.outcomes[exit].status == Status::Submitted;
                    if unsent && self.left[index] == self.plan[index].quantity.0 {
                        continue;
                    }
                    let all = !self.plays(Rule::EntryTakenBack);
                    let lost = if all { self.left[exit] } else { self.held[exit] };
                    self.held[exit] = 0;
                    if lost > 0 {
                        self.loses(exit, lost);
                    }
                }
            }
            link @ (Link::Exit | Link::Alternative) => {
                if !self.plays(Rule::CancelOfOne) {
                    for other in self.others(index, link) {
                        self.loses(other, self.left[other]);
                    }
                }
            }
        }
    }
}
