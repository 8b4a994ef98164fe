//! The last step from events to a report: sums become figures, buckets become curves.

use std::collections::BTreeMap;

use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Money, SCALE};

use super::builder::{ReportBuilder, Seen, seconds, span};
use super::curve::Series;
use super::figures::*;
use super::position::ATTO;
use super::returns::share;
use super::strategies;

/// Everything but the headline.
pub(super) fn report(mut builder: ReportBuilder) -> Report {
    let digits = builder.settings.as_ref().map_or(2, |settings| settings.account.digits);
    let own = Money(builder.equity / ATTO);
    let last = builder.ended.as_ref().map_or(own, |ended| Money::ZERO.add_bounded(ended.equity));
    let total = last - builder.start;
    let first = builder.first.unwrap_or(builder.now);
    let span = span(first, builder.now);
    let lasted = (builder.now - first).0;
    let exposure = curve(&builder.exposure_curve, |value| value as f64 / SCALE as f64);
    let equity_curve = curve(&builder.equity_curve, |value| (value / ATTO) as f64 / SCALE as f64);
    let buy_and_hold = builder.instruments.first().and_then(buy_and_hold);
    let mut identity = builder.identity;
    identity.state_hash = builder.ended.as_ref().map(|ended| ended.state_hash);
    let days_with_data = builder.days.count();
    let symbols: Vec<String> =
        builder.instruments.iter().map(|seen| seen.held.position.symbol.clone()).collect();
    let (risk, used) = builder.verdicts.finish();
    let limit_use = used
        .iter()
        .map(|(rule, series)| (rule.name().to_string(), curve(series, |value| value as f64 / SCALE as f64)))
        .collect();
    let sizes_absent = builder.counts.quotes > 0 && !builder.any_size;
    let symbol = |instrument: InstrumentId| {
        instrument.index().and_then(|index| symbols.get(index)).cloned().unwrap_or_default()
    };
    let regimes = builder.regimes.finish(builder.now, symbol);
    let markets: Vec<_> = builder
        .instruments
        .iter()
        .map(|seen| &seen.held.position.market)
        .map(|market| strategies::market(market.bid, market.ask, market.last))
        .collect();
    let columns = builder.columns.finish(builder.settings.as_ref());
    Report {
        headline: String::new(),
        identity,
        span,
        counts: builder.counts,
        equity: Equity {
            start: builder.start,
            last,
            change: share(total, builder.start),
            unexplained: last - own,
        },
        fill_quality: builder.costs.quality(digits),
        result: ResultSplit { dividends: builder.dividends, ..builder.costs.split(total, digits) },
        drawdown: builder.falls.map(|falls| drawdown(falls.deepest())).unwrap_or_default(),
        activity: Activity {
            time_in_market: if lasted > 0 { builder.held as f64 / lasted as f64 } else { 0.0 },
            exposure_max: exposure
                .low
                .iter()
                .chain(&exposure.high)
                .fold(0.0, |most, value| value.abs().max(most)),
            turnover: builder.turnover.round_to(digits),
            turnover_times: share(builder.turnover, builder.start),
        },
        trades: trades(builder.trades),
        risk,
        strategies: builder.strategies.finish(&markets),
        margin: builder.margin,
        regimes,
        open: builder.instruments.iter().flat_map(|seen| seen.held.still_open()).collect(),
        data: DataQuality { columns, ..builder.flaws.finish(days_with_data, sizes_absent) },
        returns: builder.days.finish(builder.start, &symbols),
        buy_and_hold,
        halted: builder.halted,
        curves: Curves {
            drawdown: fall_from_peak(&equity_curve),
            equity: equity_curve,
            exposure,
            prices: prices(&builder.instruments),
            fills: builder.fills,
            limit_use,
        },
        settings: builder.settings,
    }
}

fn drawdown(fall: super::drawdown::Fall) -> Drawdown {
    Drawdown {
        share: fall.ratio(),
        peak: Money(fall.peak.equity / ATTO),
        peak_time: Moment(fall.peak.time),
        trough: Money(fall.trough.equity / ATTO),
        trough_time: Moment(fall.trough.time),
    }
}

fn trades(list: Vec<Trade>) -> Trades {
    let result = |trade: &Trade| TradeResult { order: trade.order_in, profit: trade.profit };
    let gross_won: Money =
        list.iter().map(|trade| trade.profit.max(Money::ZERO)).fold(Money::ZERO, Money::add_bounded);
    let gross_lost: Money =
        list.iter().map(|trade| -trade.profit.min(Money::ZERO)).fold(Money::ZERO, Money::add_bounded);
    let open_seconds: f64 = list.iter().map(|trade| (trade.closed.0 - trade.opened.0).0 as f64 / 1e9).sum();
    Trades {
        closed: list.len() as u64,
        won: list.iter().filter(|trade| trade.profit > Money::ZERO).count() as u64,
        lost: list.iter().filter(|trade| trade.profit < Money::ZERO).count() as u64,
        gross_won,
        gross_lost,
        profit_factor: (gross_lost > Money::ZERO).then(|| gross_won.as_f64() / gross_lost.as_f64()),
        // The first of equals: `max_by_key` would take the last.
        best: list.iter().rev().max_by_key(|trade| trade.profit).map(result),
        worst: list.iter().min_by_key(|trade| trade.profit).map(result),
        average_seconds: (!list.is_empty()).then(|| open_seconds / list.len() as f64),
        list,
    }
}

fn buy_and_hold(seen: &Seen) -> Option<BuyAndHold> {
    let market = &seen.held.position.market;
    let (bought, marked) = (seen.first?, market.bid.or(market.last)?);
    if bought.0 <= 0 {
        return None;
    }
    Some(BuyAndHold {
        instrument: seen.held.position.symbol.clone(),
        bought,
        marked,
        change: (marked.0 - bought.0) as f64 / bought.0 as f64,
    })
}

fn prices(instruments: &[Seen]) -> BTreeMap<String, Curve> {
    let drawn = instruments.iter().filter(|seen| !seen.prices.buckets().is_empty());
    drawn
        .map(|seen| {
            (seen.held.position.symbol.clone(), curve(&seen.prices, |value| value as f64 / SCALE as f64))
        })
        .collect()
}

fn curve<T: Copy + Ord>(series: &Series<T>, to_float: impl Fn(T) -> f64) -> Curve {
    let buckets = series.buckets();
    Curve {
        time: buckets.iter().map(|bucket| seconds(bucket.time)).collect(),
        last: buckets.iter().map(|bucket| to_float(bucket.last)).collect(),
        low: buckets.iter().map(|bucket| to_float(bucket.low)).collect(),
        high: buckets.iter().map(|bucket| to_float(bucket.high)).collect(),
    }
}

/// For each bucket the deepest fall from the highest equity up to it, as seen through the buckets.
fn fall_from_peak(equity: &Curve) -> Vec<f64> {
    let mut peak = f64::MIN;
    let bounds = equity.low.iter().zip(&equity.high);
    bounds
        .map(|(low, high)| {
            peak = peak.max(*high);
            if peak > 0.0 { (low / peak - 1.0).min(0.0) } else { 0.0 }
        })
        .collect()
}
