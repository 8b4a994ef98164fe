//! A strategy of one's own as a program: a breakout. `docs/your-own-strategy.md` walks through it.

use std::collections::{BTreeMap, VecDeque};
use std::process::ExitCode;

use genovo::prelude::*;

const BREAKOUT: StrategyKind = StrategyKind {
    name: "breakout",
    about: "long above the highest close of the last bars, short below the lowest",
    parameters: &[
        ParameterSpec { name: "bars", default: Some("20"), about: "how many closes it looks back" },
        ParameterSpec { name: "quantity", default: None, about: "position held, long or short" },
    ],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make: |parameters, _| {
        let (bars, quantity) = (parameters.integer("bars", 1)?, parameters.quantity("quantity")?);
        Ok(Box::new(Breakout { bars: bars as usize, quantity, channels: BTreeMap::new() }))
    },
};

struct Breakout {
    bars: usize,
    quantity: Quantity,
    channels: BTreeMap<InstrumentId, Channel>,
}

/// The last closes of an instrument, and the side that they asked for: 1 long, −1 short, 0 none yet.
#[derive(Default)]
struct Channel {
    closes: VecDeque<Price>,
    side: i64,
}

impl Strategy for Breakout {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        let (Fact::BarClosed(bar) | Fact::BarReceived(bar)) = &event.fact else { return false };
        let Channel { closes, side } = self.channels.entry(event.header.instrument).or_default();
        let before = *side;
        if closes.len() == self.bars {
            if closes.iter().all(|close| bar.close > *close) {
                *side = 1;
            } else if closes.iter().all(|close| bar.close < *close) {
                *side = -1;
            }
            closes.pop_front();
        }
        closes.push_back(bar.close);
        *side != before
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let Some(channel) = self.channels.get(&instrument) else { return };
        let quantity = Quantity(self.quantity.0 * channel.side);
        proposal.because = format!("the last close left the range of the {} before it", self.bars);
        proposal.actions.push(Action::Target { instrument, quantity });
    }
}

fn main() -> ExitCode {
    let mut registry = Registry::default();
    registry.add(BREAKOUT);
    genovo::run(registry)
}
