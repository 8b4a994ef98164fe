//! The headline for every combination of signs.

use genovo_engine::units::{Money, Timestamp};

use super::kit::{Run, of};
use crate::report::headline::sentences;
use crate::report::{BuyAndHold, Moment, Report, ResultSplit, Span};

struct Case {
    total: &'static str,
    /// Spread, slippage, commission.
    costs: [&'static str; 3],
    held: Option<f64>,
    days: u64,
    says: &'static str,
}

#[test]
fn the_headline_fits_the_figures() {
    let case = |total, costs, held, days, says| Case { total, costs, held, days, says };
    let none = ["0", "0", "0"];
    let cases = [
        case(
            "-1560",
            ["780", "0", "0"],
            Some(-0.009),
            9,
            "Lost 15.6 % in 9 days. Half of the loss is the spread; buy-and-hold lost 0.9 %.",
        ),
        case(
            "-1560",
            ["0", "0", "1560"],
            Some(0.2),
            9,
            "Lost 15.6 % in 9 days. All of the loss is commission; buy-and-hold gained 20.0 %.",
        ),
        case(
            "-1560",
            ["100", "100", "190"],
            None,
            9,
            "Lost 15.6 % in 9 days. A quarter of the loss is costs.",
        ),
        case(
            "-1000",
            ["2", "0", "0"],
            None,
            9,
            "Lost 10.0 % in 9 days. Hardly anything of the loss is the spread.",
        ),
        case(
            "-1000",
            ["0", "1500", "0"],
            Some(0.0),
            9,
            "Lost 10.0 % in 9 days. Before costs it gained: slippage took it all and more; \
             buy-and-hold changed nothing.",
        ),
        case("-1000", none, Some(-0.5), 9, "Lost 10.0 % in 9 days; buy-and-hold lost 50.0 %."),
        case(
            "-1000",
            ["-50", "0", "0"],
            None,
            9,
            "Lost 10.0 % in 9 days. Resting orders earned more than the costs.",
        ),
        case(
            "2000",
            ["1000", "0", "0"],
            Some(0.1),
            400,
            "Gained 20.0 % in 13 months. The spread took a third of the gain before costs; \
             buy-and-hold gained 10.0 %.",
        ),
        case(
            "3000",
            ["100", "0", "120"],
            None,
            1500,
            "Gained 30.0 % in 4.1 years. Costs took 7 % of the gain before costs.",
        ),
        case("3000", none, None, 30, "Gained 30.0 % in 30 days."),
        case(
            "0",
            ["10", "0", "0"],
            None,
            2,
            "Neither won nor lost in 2 days. The spread took all that was gained before costs.",
        ),
        case("0", none, Some(-0.1), 2, "Neither won nor lost in 2 days; buy-and-hold lost 10.0 %."),
        case("3", none, None, 2, "Gained 0.030 % in 2 days."),
    ];
    for case in cases {
        assert_eq!(sentences(&report(&case)), case.says);
    }
}

#[test]
fn a_run_without_fills_says_so() {
    let mut report = report(&Case { total: "0", costs: ["0"; 3], held: Some(-0.009), days: 1, says: "" });
    report.counts.fills = 0;
    report.span.to = Moment(Timestamp(7_200_000_000_000));
    assert_eq!(sentences(&report), "No order was sent in 2 hours; buy-and-hold lost 0.9 %.");
    report.counts.orders = 1;
    report.buy_and_hold = None;
    report.span.to = Moment(Timestamp(60_000_000_000));
    assert_eq!(sentences(&report), "No order was filled in 60 seconds.");
}

fn report(case: &Case) -> Report {
    let mut report = Run::new().quote("100", "101").report();
    let [spread, slippage, commission] = case.costs.map(of::<Money>);
    let total: Money = of(case.total);
    let before_costs = total + spread + slippage + commission;
    report.result =
        ResultSplit { before_costs, spread, slippage, commission, total, ..ResultSplit::default() };
    report.equity.change = total.as_f64() / 10_000.0;
    report.span = Span { days: case.days, ..Span::default() };
    report.counts.fills = 1;
    report.buy_and_hold = case.held.map(|change| BuyAndHold {
        instrument: "GOLD".to_string(),
        bought: of("101"),
        marked: of("100"),
        change,
    });
    report
}
