//! What an engine does when somebody wants a limit changed: [`crate::limits`] judges, and what it comes to is said.

use super::*;
use crate::limits::Change;
use crate::settings::RiskSettings;

impl Engine {
    pub(super) fn on_limits_requested(&mut self, request: &LimitsRequested) -> Result<(), Fault> {
        let keys = &self.settings.risk.limits_keys;
        let judged = self.requests.request(request, self.risk.limits(), keys);
        self.answer_limits(self.requests.count(), judged)
    }

    pub(super) fn on_approval(&mut self, approval: &ApprovalGiven) -> Result<(), Fault> {
        let keys = &self.settings.risk.limits_keys;
        let judged = self.requests.approve(approval, self.risk.limits(), keys, self.state.now);
        self.answer_limits(approval.request, judged)
    }

    fn answer_limits(&mut self, request: u64, judged: Result<Change, LimitsAnswer>) -> Result<(), Fault> {
        let (limits, changed) = match judged {
            Ok(change) => change,
            Err(answer) => return self.alert(AlertRaised::Limits { request, answer }),
        };
        let equity = self.state.equity();
        if let Some(next) = &mut self.takeover
            && let Some(limits) = next.risk.limits().with(&changed.key, &changed.new)
        {
            next.risk.change(limits, equity);
        }
        self.risk.change(limits, equity);
        let fact = Fact::LimitsChanged(Box::new(changed));
        self.emit(self.header.instrument, self.header.sequence, fact)?;
        Ok(())
    }

    /// The limits in force.
    pub fn limits(&self) -> &RiskSettings {
        self.risk.limits()
    }

    /// Requests to change them.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }
}
