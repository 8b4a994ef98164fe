//! A strategy of one's own as a program: follow the trend. `docs/your-own-strategy.md` walks through it.

use std::collections::VecDeque;
use std::process::ExitCode;

use genovo::prelude::*;

const TREND: StrategyKind = StrategyKind {
    name: "trend",
    about: "long while the close is above that of so many bars before, else short",
    parameters: &[
        ParameterSpec { name: "bars", default: Some("20"), about: "how many bars it looks back" },
        ParameterSpec { name: "quantity", default: None, about: "position held, long or short" },
    ],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make: |parameters, settings| {
        let (bars, quantity) = (parameters.integer("bars", 1)?, parameters.quantity("quantity")?);
        Ok(bar_by_bar(Trend { bars: bars as usize, quantity, closes: VecDeque::new() }, settings))
    },
};

#[derive(Clone)]
struct Trend {
    bars: usize,
    quantity: Quantity,
    closes: VecDeque<Price>,
}

state! { Trend { closes } }

impl BarStrategy for Trend {
    fn on_bar(&mut self, bar: &Bar) -> Option<(Quantity, String)> {
        self.closes.push_back(bar.close);
        let before = if self.closes.len() > self.bars { self.closes.pop_front()? } else { return None };
        let side = if bar.close > before { 1 } else { -1 };
        let because = format!("closed at {}; {} bars before at {before}", bar.close, self.bars);
        Some((Quantity(self.quantity.0 * side), because))
    }

    fn state(&self) -> Option<&dyn State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}

fn main() -> ExitCode {
    let mut registry = Registry::default();
    registry.add(TREND);
    genovo::run(registry)
}
