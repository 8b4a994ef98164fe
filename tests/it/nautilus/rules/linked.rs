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

    /// An order is sent. Whether it works, and does not wait for another one.
    pub(super) fn joins(&mut self, index: usize) -> bool {
        let order = &self.plan[index];
        if order.link == Link::Exit {
            let entry = order.list.expect("an exit has an entry");
            return match self.outcomes[entry].status {
                Status::Filled => self.is_armed(index),
                status if status.is_terminal() => {
                    let ours = self.plays(Rule::EntryGone);
                    self.end(index, if ours { Status::Rejected } else { Status::Cancelled });
                    false
                }
                _ => false,
            };
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
        if !there {
            let ours = self.plays(Rule::NothingToReduce);
            self.end(index, if ours { Status::Cancelled } else { Status::Rejected });
        }
        there
    }

    /// An order was filled: others are armed, ended or bounded by it.
    pub(super) fn passed_on(&mut self, index: usize, quantity: i64) {
        let order = &self.plan[index];
        self.position += quantity * order.side.sign();
        let is_whole = self.left[index] == 0;
        match order.link {
            Link::Alone => {}
            Link::Entry => {
                for exit in self.others(index, Link::Exit) {
                    if is_whole && self.outcomes[exit].status == Status::Accepted && self.is_armed(exit) {
                        self.arrives(exit);
                    }
                }
            }
            link @ (Link::Exit | Link::Alternative) => {
                assert!(is_whole, "no part of an alternative is filled in these recordings");
                let (others, rest) = (self.others(index, link), order.quantity.0 - quantity);
                if rest > 0 && !self.plays(Rule::ShrunkExit) {
                    for other in others {
                        self.left[other] = rest;
                    }
                } else {
                    self.cancel_all(&others);
                }
            }
        }
        if self.plays(Rule::ReduceBound) {
            for index in self.resting.clone() {
                self.bound(index);
            }
        }
    }

    /// Keeps an order that only reduces within what there is to reduce; nothing ends it.
    pub(super) fn bound(&mut self, index: usize) {
        let order = &self.plan[index];
        if order.reduce {
            self.left[index] = self.left[index].min(self.reducible(order.side));
            if self.left[index] == 0 {
                self.end(index, Status::Cancelled);
            }
        }
    }

    /// Theirs: an order that only reduces is met. Whether there is a position.
    pub(super) fn may_fill(&mut self, index: usize) -> bool {
        if !self.plan[index].reduce || self.plays(Rule::ReduceBound) {
            return true;
        }
        self.left[index] = self.left[index].min(self.position.abs());
        if self.left[index] == 0 {
            self.end(index, Status::Cancelled);
            self.taken_back(index);
        }
        self.left[index] > 0
    }

    /// An order was cancelled by us, or its time ended.
    pub(super) fn taken_back(&mut self, index: usize) {
        match self.plan[index].link {
            Link::Alone => {}
            Link::Entry => self.cancel_all(&self.others(index, Link::Exit)),
            link @ (Link::Exit | Link::Alternative) => {
                if !self.plays(Rule::CancelOfOne) {
                    self.cancel_all(&self.others(index, link));
                }
            }
        }
    }

    fn cancel_all(&mut self, orders: &[usize]) {
        for &index in orders {
            if !self.outcomes[index].status.is_terminal() {
                self.end(index, Status::Cancelled);
            }
        }
    }
}
