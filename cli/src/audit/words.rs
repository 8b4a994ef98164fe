//! Every kind of event in one line.

use genovo_engine::event::{
    Action, AlertRaised, Bar, BookAction, BookChange, CloseReason, Contingency, CorporateAction, Decision,
    Event, Fact, Features, FeedGap, Fill, FinancingCharged, Flaw, FlawAction, LimitsAnswer, LimitsChanged,
    Liquidity, MacroReleased, NewOrder, NewsPublished, Order, OrderClosed, OrderKind, OrderList,
    OrderReplaced, Quote, RegimeChanged, ReplaceReason, RunStarted, Side, SignalTarget, Terms, TimeInForce,
    Trade, TradeCorrected, TradingHalted, Trail, Verdict, WorldKind,
};
use genovo_engine::ids::OrderId;
use genovo_engine::rounded::Rounded;
use genovo_engine::settings::Instrument;
use genovo_engine::signature::PublicKey;
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, Timestamp};

use super::names::Names;
use super::when;
use crate::report::format;
use crate::scenario::in_force::shown;
use crate::scenario::readable::show_ratio;

/// Columns of a feature vector that one line shows.
const FEATURES_SHOWN: usize = 8;

/// The event in one line; its kind and instrument are not repeated.
pub fn event(names: &Names, event: &Event) -> String {
    let digits = names.digits();
    match &event.fact {
        Fact::RunStarted(started) => run(names, started),
        Fact::InstrumentDefined(instrument) => defined(instrument),
        Fact::QuoteChanged(one) => quote(one),
        Fact::TradePrinted(one) => trade(one),
        Fact::BookChanged(one) => book_change(one),
        Fact::BookReset(reset) => reset.reason.name().to_string(),
        Fact::BarReceived(one) => bar(one, Some(event.header.time_event)),
        Fact::BarClosed(one) => bar(one, bar_end(names, one)),
        Fact::CorporateActionApplied(action) => corporate_action(action),
        Fact::SessionChanged(session) => {
            format!("{} until {}", if session.open { "open" } else { "closed" }, when::full(session.until))
        }
        Fact::MacroReleased(one) => release(one),
        Fact::NewsPublished(one) => news(one),
        Fact::EventScheduled(one) => {
            format!("{} at {}, importance {}", one.name, when::full(one.at), one.importance.name())
        }
        Fact::FeaturesReselected(one) => {
            let first = one.columns.iter().take(FEATURES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
            let more = if one.columns.len() > FEATURES_SHOWN { ", …" } else { "" };
            format!("{} columns, list {}: {first}{more}", one.columns.len(), one.hash.short())
        }
        Fact::SignalReceived(signal) => self::signal(signal.target),
        Fact::TimerFired(fired) => format!("timer {}", fired.timer),
        Fact::ChapterClosed(closed) => format!("chapter {} ends: {}", closed.chapter, closed.reason.name()),
        Fact::OrderAccepted(notice) | Fact::CancelRequested(notice) => format!("order {}", notice.order),
        Fact::CancelRejected(notice) => format!("order {}: it was done before", notice.order),
        Fact::OrderRejected(rejected) => format!("order {}: {}", rejected.order, rejected.reason.name()),
        Fact::OrderFilled(one) => fill(one, digits),
        Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => {
            format!("order {}: {}", closed.order, self::closed(closed))
        }
        Fact::OrderUnknown(notice) => {
            format!(
                "order {}: no answer came; whether the venue has it is unknown until it is asked",
                notice.order
            )
        }
        Fact::TradeCorrected(one) => corrected(one),
        Fact::AccountReported(report) => {
            format!("the broker counts {}", format::money(report.balance, digits))
        }
        Fact::PositionReported(report) => format!("the broker holds {}", position(report.quantity)),
        Fact::ConnectionChanged(change) => {
            format!("{} link {}: {}", change.link.name(), change.state.name(), change.reason)
        }
        Fact::OperatorCommanded(operator) => operator.command.name().to_string(),
        Fact::LimitsRequested(one) => {
            format!(
                "limits: {} wants {} {} → {}",
                one.by,
                one.key,
                shown(&one.key, &one.old),
                shown(&one.key, &one.new)
            )
        }
        Fact::ApprovalGiven(one) => {
            format!("limits: {} ({}) allows request {}", one.by, one.signed.key.short(), one.request)
        }
        Fact::LimitsChanged(one) => limits_changed(one),
        Fact::FeedGap(gap) => gap_words(gap),
        Fact::ClockChecked(clock) => format!("the wall clock stepped by {}", when::length(clock.step)),
        Fact::AlertRaised(one) => alert(one, digits),
        Fact::OrderTriggered(one) => format!(
            "order {}: its trigger {} was reached at {}",
            one.order,
            format::price(one.trigger),
            format::price(one.price)
        ),
        Fact::OrderReplaced(one) => format!("order {}: {}", one.order, replaced(one)),
        Fact::ReplaceRequested(one) => {
            format!("order {}: to be {} {}", one.order, format::quantity(one.quantity), order_kind(&one.kind))
        }
        Fact::ReplaceRejected(rejected) => {
            format!("order {}: not replaced: {}", rejected.order, rejected.reason.name())
        }
        Fact::DataFlagged(flag) => {
            format!("{}, {}", flaw(flag.flaw, flag.size), flaw_action(flag.action))
        }
        Fact::RegimeChanged(one) => regime(one),
        Fact::FinancingCharged(one) => financing(one, digits),
        Fact::FeaturesComputed(vector) => features(vector, names.features(), FEATURES_SHOWN),
        Fact::DecisionMade(one) => decision(names, one),
        Fact::RiskAssessed(one) => verdict(one),
        Fact::OrderDenied(denied) => format!("order {} by {}", denied.order, denied.rule.name()),
        Fact::OrderSubmitted(one) => {
            format!("order {}: {}", one.order, order(one))
        }
        Fact::TradingHalted(one) => halted(one),
        Fact::RunEnded(ended) => format!(
            "{} decisions, {} orders, {} fills, equity {}, state {}",
            format::count(ended.decisions),
            format::count(ended.orders),
            format::count(ended.fills),
            format::money(ended.equity, digits),
            ended.state_hash.short()
        ),
    }
}

/// `CPIAUCSL 328.6 for 2026-09-01, expected 328.4`.
fn release(release: &MacroReleased) -> String {
    let expected = release.expected.map_or(String::new(), |expected| format!(", expected {expected}"));
    format!("{} {} for {}{expected}", release.series, release.value, when::day(release.period))
}

/// `Reuters: Fed holds rates (sentiment 0.2)`.
fn news(news: &NewsPublished) -> String {
    let sentiment = news.sentiment.map_or(String::new(), |sentiment| format!(" (sentiment {sentiment})"));
    format!("{}: {}{sentiment}", news.source, news.headline)
}

/// `bid 61800.2 → 2.507`, `ask order 8174: add 3 at 5858.5`; `…` while its update goes on.
fn book_change(change: &BookChange) -> String {
    let side = if change.side == Side::Buy { "bid" } else { "ask" };
    let (price, size) = (format::price(change.price), format::quantity(change.size));
    let what = match change.action {
        BookAction::SetLevel => format!("{side} {price} → {size}"),
        action => format!("{side} order {}: {} {size} at {price}", change.order, action.name()),
    };
    if change.last { what } else { what + " …" }
}

fn signal(target: SignalTarget) -> String {
    match target {
        SignalTarget::Position { quantity } => format!("hold {}", quantity),
        SignalTarget::Weight { share } => format!("hold {} of equity", show_ratio(share)),
    }
}

fn run(names: &Names, started: &RunStarted) -> String {
    let world = match started.world {
        WorldKind::Simulated => "simulated",
        WorldKind::Live => "live",
        WorldKind::Market => "market data",
    };
    let names = names
        .settings
        .as_ref()
        .map(|settings| format!("{}, {}, seed {}, ", settings.name, settings.decides(), started.seed));
    format!(
        "{world}: {}settings {}, logic version {}",
        names.unwrap_or_default(),
        started.settings_hash.short(),
        started.logic_version
    )
}

fn defined(instrument: &Instrument) -> String {
    let Instrument { symbol, tick, lot, multiplier, .. } = instrument;
    format!("{symbol}: tick {tick}, lot {lot}, multiplier {multiplier}")
}

/// `1290.572 / 1290.838`, with the sizes where the data has them.
pub fn quote(quote: &Quote) -> String {
    let mut text = format!("{} / {}", format::price(quote.bid), format::price(quote.ask));
    if quote.bid_size.is_some() || quote.ask_size.is_some() {
        let size = |size: Option<Quantity>| size.map_or("?".to_string(), format::quantity);
        text.push_str(&format!("   {} × {}", size(quote.bid_size), size(quote.ask_size)));
    }
    text
}

fn trade(trade: &Trade) -> String {
    let size = trade.size.map_or(String::new(), |size| format!(" × {}", format::quantity(size)));
    let who = match trade.aggressor {
        Some(Side::Buy) => "   a buyer crossed",
        Some(Side::Sell) => "   a seller crossed",
        None => "",
    };
    format!("{}{size}{who}", format::price(trade.price))
}

/// When a bar built here ended: it is known only at the first tick after that.
fn bar_end(names: &Names, bar: &Bar) -> Option<Timestamp> {
    let bars = names.settings.as_ref().and_then(|settings| settings.bars)?;
    Some(bar.open_time + bars.interval)
}

/// `14:25–14:30   o 1284.966   h 1291.8055   l 1284.6745   c 1290.6965`.
fn bar(bar: &Bar, end: Option<Timestamp>) -> String {
    let volume = bar.volume.map_or(String::new(), |volume| format!("   v {}", format::quantity(volume)));
    let end = end.map_or(String::new(), |end| format!("–{}", when::short(end)));
    format!(
        "{}{end}   o {}   h {}   l {}   c {}{volume}",
        when::short(bar.open_time),
        format::price(bar.open),
        format::price(bar.high),
        format::price(bar.low),
        format::price(bar.close)
    )
}

/// `7 new for 1 old`, `a dividend of 0.47 for each`.
fn corporate_action(action: &CorporateAction) -> String {
    match action {
        CorporateAction::Split { new, old } => format!("split: {new} new for {old} old"),
        CorporateAction::Dividend { amount } => {
            format!("a dividend of {} for each", format::price(*amount))
        }
    }
}

/// `now 60 at limit 1290.5: another order of its list was filled`.
pub fn replaced(replaced: &OrderReplaced) -> String {
    let why = match replaced.reason {
        ReplaceReason::Requested => "as asked",
        ReplaceReason::SiblingFilled => "another order of its list was filled",
        ReplaceReason::ParentEnded => "the order that was to arm the rest is done",
        ReplaceReason::PositionShrank => "there is less to reduce",
        ReplaceReason::Split => "the instrument was split",
        ReplaceReason::BooksCompared => "so the broker has it",
    };
    format!("now {} {}: {why}", format::quantity(replaced.quantity), order_kind(&replaced.kind))
}

/// `at market`, `at limit 1290.5`, `at stop 1290.5`.
pub fn order_kind(kind: &OrderKind) -> String {
    match kind {
        OrderKind::Market => "at market".to_string(),
        OrderKind::Limit { price } => format!("at limit {}", format::price(*price)),
        OrderKind::Stop { trigger } => format!("at stop {}", format::price(*trigger)),
        OrderKind::StopLimit { trigger, price } => {
            format!("at stop {}, limit {}", format::price(*trigger), format::price(*price))
        }
        OrderKind::TrailingStop { trail } => format!("at a stop trailing by {}", self::trail(*trail)),
    }
}

/// `0.5`, or `1 %`.
fn trail(trail: Trail) -> String {
    match trail {
        Trail::Amount(amount) => format::price(amount),
        Trail::Share(share) => show_ratio(share),
    }
}

/// `buy 901 at market, bid 1290.572, ask 1290.838`.
pub fn order(order: &Order) -> String {
    let mut text =
        format!("{} {} {}", order.side.name(), format::quantity(order.quantity), order_kind(&order.kind));
    text.push_str(&duration(order.time_in_force, order.terms.expires));
    text.push_str(&terms(order));
    for (name, price) in [("bid", order.bid), ("ask", order.ask)] {
        if let Some(price) = price {
            text.push_str(&format!(", {name} {}", format::price(price)));
        }
    }
    text
}

/// How long an order works, unless until it is filled or cancelled.
fn duration(time_in_force: TimeInForce, expires: Option<Timestamp>) -> String {
    match (time_in_force, expires) {
        (TimeInForce::Gtc, _) => String::new(),
        (TimeInForce::Day, _) => ", for the day".to_string(),
        (TimeInForce::Ioc, _) => ", immediate or cancel".to_string(),
        (TimeInForce::Fok, _) => ", fill or kill".to_string(),
        (TimeInForce::Gtd, Some(expires)) => format!(", good till {}", when::full(expires)),
        (TimeInForce::Gtd, None) => ", good till a date".to_string(),
    }
}

/// What else an order says.
fn terms(order: &Order) -> String {
    let Terms { post_only, reduce_only, list, .. } = order.terms;
    let mut text = marks(post_only, reduce_only);
    if !order.closes.is_none() {
        text.push_str(&format!(", closes position {}", order.closes));
    }
    let Some(list) = list else { return text };
    let last = list.first.0 + u64::from(list.count).saturating_sub(1);
    let is_first = list.first == order.order;
    text.push_str(&match (list.link, is_first) {
        (Contingency::Bracket | Contingency::OneTriggersOthers, false) => {
            format!(", armed by order {}", list.first)
        }
        (Contingency::Bracket | Contingency::OneTriggersOthers, true) => {
            format!(", arms orders {} to {last}", list.first.0 + 1)
        }
        (Contingency::OneCancelsOthers, _) => format!(", one of the orders {} to {last}", list.first),
    });
    text
}

fn marks(post_only: bool, reduce_only: bool) -> String {
    let marks = [(post_only, ", post-only"), (reduce_only, ", reduce-only")];
    marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| mark).collect()
}

/// What several orders ask for together.
fn list(names: &Names, list: &OrderList) -> String {
    let one = |order: &NewOrder| {
        format!(
            "{} {} {} {}{}{}",
            order.side.name(),
            format::quantity(order.quantity),
            names.symbol(list.instrument),
            order_kind(&order.kind),
            duration(order.time_in_force, order.expires),
            marks(order.post_only, order.reduce_only)
        )
    };
    let orders: Vec<String> = list.orders.iter().map(one).collect();
    match list.link {
        None => orders.join("; "),
        Some(Contingency::OneCancelsOthers) => orders.join(", or "),
        Some(Contingency::OneTriggersOthers) => orders.join(", then "),
        Some(Contingency::Bracket) => {
            let exits = orders.get(1..).unwrap_or_default().join(", or ");
            format!("{}, then {exits}", orders.first().map_or("", String::as_str))
        }
    }
}

fn fill(fill: &Fill, digits: u8) -> String {
    let liquidity = match fill.liquidity {
        Liquidity::Maker => "maker",
        Liquidity::Taker => "taker",
    };
    let mut text = format!(
        "order {}: {} {} at {}, {liquidity}",
        fill.order,
        fill.side.name(),
        format::quantity(fill.quantity),
        format::price(fill.price)
    );
    if fill.commission != Money::ZERO {
        text.push_str(&format!(", commission {}", format::money(fill.commission, digits)));
    }
    if fill.remaining > Quantity::ZERO {
        text.push_str(&format!(", {} left", format::quantity(fill.remaining)));
    }
    text
}

/// `500 unfilled, as asked`.
pub fn closed(closed: &OrderClosed) -> String {
    let why = match closed.reason {
        CloseReason::Requested => "as asked",
        CloseReason::ImmediateRest => "immediate or cancel: no more could be had at once",
        CloseReason::NotFillable => "not all of it could be had at once",
        CloseReason::DayEnded => "its day ended",
        CloseReason::Broker => "by the broker",
        CloseReason::DateReached => "its time ended",
        CloseReason::SiblingFilled => "another order of its list was filled",
        CloseReason::ParentEnded => "the order that was to arm it is done",
        CloseReason::PositionClosed => "nothing is left to reduce",
        CloseReason::WouldTake => "post-only, and it would have taken liquidity",
        CloseReason::Split => "a split left less than a lot of it",
    };
    format!("{} unfilled, {why}", format::quantity(closed.unfilled))
}

/// What a flaw is called.
pub fn flaw_name(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Crossed => "crossed",
        Flaw::Locked => "locked",
        Flaw::OutOfOrder => "out of order",
        Flaw::Duplicate => "duplicate",
        Flaw::Gap => "gap",
        Flaw::Outlier => "outlier",
    }
}

fn flaw(flaw: Flaw, size: i64) -> String {
    match flaw {
        Flaw::Crossed => format!("crossed by {}", format::price(Price(size))),
        Flaw::Locked => "locked: bid and ask are equal".to_string(),
        Flaw::OutOfOrder => format!("out of order by {}", when::length(Nanoseconds(size.saturating_abs()))),
        Flaw::Duplicate => "the same again".to_string(),
        Flaw::Gap => format!("after a gap of {}", when::length(Nanoseconds(size))),
        Flaw::Outlier => format!("an outlier: {} times the usual move", Quantity(size)),
    }
}

pub fn flaw_action(action: FlawAction) -> &'static str {
    match action {
        FlawAction::Keep => "kept",
        FlawAction::Drop => "dropped",
        FlawAction::Halt => "trading halted",
    }
}

/// `ema_12 1284.4131   ema_48 1284.3666   atr_14 2.295234`: the first `most` columns.
pub fn features(vector: &Features, names: &[String], most: usize) -> String {
    let count = vector.values.len();
    let mut parts: Vec<String> = (0..count.min(most))
        .map(|column| {
            let name = names.get(column).cloned().unwrap_or_else(|| format!("column {column}"));
            match vector.get(column) {
                // The shortest text that reads back to the same float.
                Some(value) => format!("{name} {value}"),
                None => format!("{name} unknown"),
            }
        })
        .collect();
    if count > most {
        parts.push(format!("and {} more", format::count((count - most) as u64)));
    }
    parts.join("   ")
}

fn decision(names: &Names, decision: &Decision) -> String {
    let reason = match decision.because.as_str() {
        "" => decision.actions.iter().map(|one| action(names, one)).collect::<Vec<_>>().join("; "),
        because => because.to_string(),
    };
    let reason = if reason.is_empty() { "nothing changes".to_string() } else { reason };
    format!("{} → {reason}", decision.strategy)
}

/// What an action asks for.
pub fn action(names: &Names, action: &Action) -> String {
    match action {
        Action::Hold => "hold".to_string(),
        Action::Target { instrument, quantity } => {
            format!("hold {} {}", position(*quantity), names.symbol(*instrument))
        }
        Action::Submit { instrument, side, kind, quantity, .. } => format!(
            "{} {} {} {}",
            side.name(),
            format::quantity(*quantity),
            names.symbol(*instrument),
            order_kind(kind)
        ),
        Action::Cancel { order } => format!("cancel order {order}"),
        Action::Place(list) => self::list(names, list),
        Action::Open(list) => format!("{}, to open", self::list(names, list)),
        Action::Close { position, list } => {
            format!("{}, to close position {position}", self::list(names, list))
        }
        Action::Replace { order, kind, quantity } => {
            format!("replace order {order} by {} {}", format::quantity(*quantity), order_kind(kind))
        }
    }
}

/// A price that was computed: at most six decimals.
pub fn price(price: Price) -> String {
    let text = format!("{price:.6}");
    text.trim_end_matches('0').trim_end_matches('.').replace('-', "−")
}

/// `long 500`, `short 500`, `nothing`.
pub fn position(quantity: Quantity) -> String {
    match quantity.signum() {
        1 => format!("long {}", format::quantity(quantity)),
        -1 => format!("short {}", format::quantity(quantity.abs())),
        _ => "nothing".to_string(),
    }
}

/// `reduced 500 → 401 by per_trade_risk, closes 500`.
pub fn verdict(verdict: &Verdict) -> String {
    let Verdict { asked, granted, closing, .. } = verdict;
    let mut text = verdict.outcome.name().to_string();
    if asked != granted {
        text.push_str(&format!(" {} → {}", format::quantity(*asked), format::quantity(*granted)));
    } else if *asked > Quantity::ZERO {
        text.push_str(&format!(" {}", format::quantity(*asked)));
    }
    if let Some(rule) = verdict.rule {
        text.push_str(&format!(" by {}", rule.name()));
    }
    if *closing > Quantity::ZERO {
        text.push_str(&format!(", closes {}", format::quantity(*closing)));
    }
    text
}

fn halted(halted: &TradingHalted) -> String {
    match halted {
        TradingHalted::Data { flaw } => format!("the data has a flaw that halts: {}", flaw.name()),
        TradingHalted::NotANumber { column } => format!("NaN or infinity in column {column}"),
        TradingHalted::EquityGone => "the account can no longer hold its positions".to_string(),
        TradingHalted::Operator => "the operator killed the session".to_string(),
        TradingHalted::Limit { rule } => format!("the limit {} was reached", rule.name()),
    }
}

fn corrected(trade: &TradeCorrected) -> String {
    let (quantity, price) = (format::quantity(trade.quantity), format::price(trade.price));
    match trade.corrected {
        Some(right) => {
            format!("order {}: {quantity} at {price} were at {} instead", trade.order, format::price(right))
        }
        None => format!("order {}: {quantity} at {price} never were", trade.order),
    }
}

/// `calm → stressed: volatility 1.2 % is 2.4 times its usual 0.5 %, stressed from 2 times`.
fn regime(change: &RegimeChanged) -> String {
    let percent = |share: f64| format!("{} %", Rounded(share * 100.0));
    let times = if change.usual > 0.0 { change.volatility / change.usual } else { 0.0 };
    format!(
        "{} → {}: volatility {} is {} times its usual {}, stressed from {} times",
        change.before.name(),
        change.now.name(),
        percent(change.volatility),
        Rounded(times),
        percent(change.usual),
        change.stress_at
    )
}

/// `long 10 worth 1,000.00 held 3 days of 360 at 5 % a year: paid 0.42`.
fn financing(charged: &FinancingCharged, digits: u8) -> String {
    let money = |amount| format::money(amount, digits);
    let paid = Money(charged.financing.0.saturating_add(charged.borrow.0));
    let borrow = match charged.borrow_yearly {
        Ratio::ZERO => String::new(),
        yearly => format!(" and {} for what is borrowed ({})", show_ratio(yearly), money(charged.borrow)),
    };
    let of = match charged.position {
        OrderId::NONE => String::new(),
        opened => format!(" by order {opened}"),
    };
    format!(
        "{}{of} at {} worth {}, held {} {} of {} at {} a year{borrow}: {} {}",
        position(charged.quantity),
        format::price(charged.price),
        money(charged.value.round_to(digits)),
        charged.days,
        if charged.days == 1 { "day" } else { "days" },
        charged.days_in_year,
        show_ratio(charged.yearly),
        if paid < Money::ZERO { "received" } else { "paid" },
        money(Money(paid.0.saturating_abs()))
    )
}

/// `equity 980.00 against a maintenance margin of 1,000.00`.
fn margin(equity: Money, maintenance: Money, digits: u8) -> String {
    format!(
        "equity {} against a maintenance margin of {}",
        format::money(equity, digits),
        format::money(maintenance.round_to(digits), digits)
    )
}

fn gap_words(gap: &FeedGap) -> String {
    let count = gap.count.map_or("an unknown number of".to_string(), format::count);
    format!("{count} market events are missing between {} and {}", when::short(gap.from), when::short(gap.to))
}

fn alert(alert: &AlertRaised, digits: u8) -> String {
    match alert {
        AlertRaised::PositionDiffers { ours, theirs } => format!(
            "the broker holds {}, we hold {}: no order leaves until they agree",
            position(*theirs),
            position(*ours)
        ),
        AlertRaised::PositionAgrees => "the broker's position agrees with ours again".to_string(),
        AlertRaised::BalanceDiffers { ours, theirs } => format!(
            "the broker counts {}, we count {}",
            format::money(*theirs, digits),
            format::money(*ours, digits)
        ),
        AlertRaised::ImpossibleAnswer { order, status: Some(status) } => {
            format!("an answer that cannot be: order {order} is {status:?}")
        }
        AlertRaised::ImpossibleAnswer { order, status: None } => {
            format!("an answer that cannot be: there is no order {order}")
        }
        AlertRaised::NoStop { quantity } => {
            format!("no stop could be placed for {}: it is unprotected", format::quantity(*quantity))
        }
        AlertRaised::Limits { request, answer } => limits_answer(*request, *answer),
        AlertRaised::MarginCalled { level, equity, maintenance } => format!(
            "margin call at {}: {}; nothing is opened",
            show_ratio(*level),
            margin(*equity, *maintenance, digits)
        ),
        AlertRaised::MarginRestored { level, equity, maintenance } => {
            format!(
                "above the margin call of {} again: {}",
                show_ratio(*level),
                margin(*equity, *maintenance, digits)
            )
        }
        AlertRaised::StoppedOut { level, equity, maintenance } => format!(
            "stop-out at {}: {}; the largest losses are closed",
            show_ratio(*level),
            margin(*equity, *maintenance, digits)
        ),
    }
}

/// `limits: request 2: it loosens a limit and waits for an approval by a second key`.
pub fn limits_answer(request: u64, answer: LimitsAnswer) -> String {
    format!("limits: request {request}: {}", answer.name())
}

/// `limits: max_total 5 % → 4 %, by anna: before the elections`.
pub fn limits_changed(changed: &LimitsChanged) -> String {
    let LimitsChanged { key, old, new, by, why, signed, approved, .. } = changed;
    let key_of = |key: &Option<PublicKey>| key.map_or(String::new(), |key| format!(" ({})", key.short()));
    let approved = approved.map_or(String::new(), |key| format!(", allowed by {}", key.short()));
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!(
        "limits: {key} {} → {}, by {by}{}{approved}{why}",
        shown(key, old),
        shown(key, new),
        key_of(signed)
    )
}
