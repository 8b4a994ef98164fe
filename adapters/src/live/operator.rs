//! What a running session can be told, from any thread.

use crossbeam::channel::Sender;
use genovo_engine::event::{
    ApprovalGiven, Connection, ConnectionChanged, Fact, LimitsRequested, Link, OperatorCommand,
};

/// What an operator, or the process that runs the session, can say to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A command for the engine.
    Operator(OperatorCommand),
    /// Stop once nothing works and nothing is held.
    StopWhenFlat,
    /// Stop once nothing works but what protects a position.
    StopWhenQuiet,
}

/// Speaks to a running session from any thread.
#[derive(Clone, Debug)]
pub struct Operator(Sender<Said>);

/// What was said to a session.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Word(Word),
    Fact(Box<Fact>),
}

impl Operator {
    /// Speaks into a session's ear.
    pub(super) fn new(ear: Sender<Said>) -> Operator {
        Operator(ear)
    }

    /// Says it; whether anybody listens.
    pub fn say(&self, word: Word) -> bool {
        self.0.send(Said::Word(word)).is_ok()
    }

    /// Asks for a change of a limit; whether anybody listens. The engine judges it.
    pub fn request(&self, request: LimitsRequested) -> bool {
        self.0.send(Said::Fact(Box::new(Fact::LimitsRequested(Box::new(request))))).is_ok()
    }

    /// Tells of a card that computes no more, and why; whether anybody listens. The journal keeps it.
    pub fn card_lost(&self, reason: String) -> bool {
        let lost = ConnectionChanged { link: Link::Card, state: Connection::Terminal, reason };
        self.0.send(Said::Fact(Box::new(Fact::ConnectionChanged(Box::new(lost))))).is_ok()
    }

    /// Hands in an approval; whether anybody listens.
    pub fn approve(&self, approval: ApprovalGiven) -> bool {
        self.0.send(Said::Fact(Box::new(Fact::ApprovalGiven(Box::new(approval))))).is_ok()
    }
}
