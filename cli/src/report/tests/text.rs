//! The terminal's text, compared with files.

use std::path::Path;
use std::time::Duration;

use genovo_engine::event::{Flaw, FlawAction, Outcome, Rule, Side};
use genovo_engine::ids::Hash;

use super::kit::{Run, settings, snapshot};
use crate::report::Report;
use crate::report::terminal::{Colour, Files, opening, summary};

/// Three trades, one reduced, one denied, one position left open, two nights and a weekend.
pub fn busy() -> Report {
    let hour = 3_600;
    let mut run = Run::new();
    run.quote("1290", "1290.4").order(1, Side::Buy, "5").quote("1290.1", "1290.5").fill(
        1,
        Side::Buy,
        "5",
        "0.50",
    );
    run.at(2 * hour).quote("1301", "1301.4").order(2, Side::Sell, "10");
    run.quote("1301", "1301.4").fill(2, Side::Sell, "10", "1");
    run.at(11 * hour).quote("1300", "1300.5").flag(Flaw::Gap, FlawAction::Keep, hour * 1_000_000_000);
    run.at(14 * hour).quote("1322.5", "1323");
    run.verdict(Outcome::Reduced, Some(Rule::PerTradeRisk), Side::Buy, "5", "4").submit(3, Side::Buy, "9");
    run.quote("1322.7", "1323.2").fill(3, Side::Buy, "9", "0.90");
    run.at(35 * hour).quote("1316", "1317").flag(Flaw::Gap, FlawAction::Keep, hour * 1_000_000_000);
    run.verdict(Outcome::Denied, Some(Rule::MinimumPosition), Side::Sell, "1", "0")
        .deny(4, Rule::MinimumPosition);
    run.at(84 * hour).quote("1318", "1319").flag(Flaw::Gap, FlawAction::Keep, 48 * hour * 1_000_000_000);
    run.order(5, Side::Sell, "2").fill(5, Side::Sell, "2", "0.20");
    run.quote("1320", "1319").flag(Flaw::Crossed, FlawAction::Drop, 1_000_000_000);
    run.quote("1319", "1320");
    let mut report = run.report();
    report.identity.state_hash = Some(Hash([0x51; 32]));
    report.identity.head_hash = Some(Hash([0x9c; 32]));
    report
}

fn files(report: &Report, files: Files<'_>) -> String {
    summary(report, &files, Colour::Off)
}

#[test]
fn the_opening_names_what_is_about_to_run() {
    assert_eq!(
        opening(&settings()),
        "hand · ema-cross 12/48 on 5-minute bars · GOLD · 10,000.00 USD · seed 1"
    );
}

#[test]
fn a_busy_run() {
    let report = busy();
    let places = Files {
        journal: Some(Path::new("runs/hand-7f3a")),
        journal_bytes: 9_600_000,
        verified: true,
        report: Some(Path::new("runs/hand-7f3a/report.html")),
        elapsed: Some(Duration::from_millis(1_630)),
    };
    snapshot("busy.txt", &files(&report, places));
}

#[test]
fn a_run_without_a_trade() {
    let mut run = Run::new();
    let report = run.quote("100", "101").quote("99", "100").report();
    snapshot(
        "flat.txt",
        &files(&report, Files { elapsed: Some(Duration::from_millis(2)), ..Files::default() }),
    );
}

#[test]
fn a_run_without_any_event() {
    snapshot("empty.txt", &files(&crate::report::ReportBuilder::new().finish(), Files::default()));
}

#[test]
fn colours_come_and_go_without_touching_the_words() {
    let report = busy();
    let coloured = summary(&report, &Files::default(), Colour::On);
    let mut plain = String::new();
    let mut parts = coloured.split("\x1b[");
    plain.push_str(parts.next().unwrap());
    parts.for_each(|part| plain.push_str(part.split_once('m').unwrap().1));
    assert_eq!(plain, summary(&report, &Files::default(), Colour::Off));
}
