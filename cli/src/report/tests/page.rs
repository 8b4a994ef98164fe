//! The HTML page: it loads nothing, trusts no text, and stays small.

use genovo_engine::event::Side;

use super::kit::{Run, settings};
use super::text::busy;
use crate::report::html::page;
use crate::report::{Report, ReportBuilder, write};

const HOSTILE: &str = "</script><script>alert('&\"')</script>";

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = page(&busy());
    let lower = page.to_lowercase();
    for load in [
        "src=",
        "href=",
        "<link",
        "<img",
        "<iframe",
        "@import",
        "url(",
        "fetch(",
        "xmlhttprequest",
        "websocket",
        "importscripts",
        "sendbeacon",
        "action=",
    ] {
        assert!(!lower.contains(load), "{load} in the page");
    }
    // The only address is in uPlot's own comment.
    for address in ["http://", "https://"] {
        for (at, _) in lower.match_indices(address) {
            assert!(lower[at..].starts_with("https://github.com/leeoniya/uplot"), "{}", &page[at..at + 60]);
        }
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn text_from_a_run_never_becomes_markup() {
    let mut settings = settings();
    settings.name = HOSTILE.to_string();
    settings.instruments[0].symbol = HOSTILE.to_string();
    settings.account.currency = HOSTILE.to_string();
    settings.strategy.kind = HOSTILE.to_string();
    let mut run = Run::with(&settings);
    run.quote("100", "101").order(1, Side::Buy, "1").fill(1, Side::Buy, "1", "0");
    run.quote("100", "101").order(2, Side::Sell, "2").fill(2, Side::Sell, "2", "0").quote("99", "100");
    let mut report = run.report();
    report.identity.journal = Some(HOSTILE.to_string());
    report.identity.run_id = HOSTILE.to_string();
    let page = page(&report);
    assert!(!page.contains("<script>alert"));
    // uPlot, what every page uses, the page's own script and the data: four elements begin and four end.
    assert_eq!((page.matches("<script").count(), page.matches("</script>").count()), (4, 4));
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"));
}

#[test]
fn every_part_is_there_and_elements_are_closed() {
    let page = page(&busy());
    for heading in [
        "The run",
        "Where the result came from",
        "How trades ended",
        "Trades",
        "Risk",
        "Returns",
        "Data",
        "Identity",
    ] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    for element in
        ["section", "table", "thead", "tbody", "tr", "td", "div", "figure", "details", "svg", "p", "main"]
    {
        let opened =
            page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
        assert_eq!(opened, page.matches(&format!("</{element}>")).count(), "{element}");
    }
    assert!(page.contains("too few for figures of a year"));
    assert!(page.contains("data-order=\"3\""));
}

#[test]
fn a_run_without_anything_still_makes_a_page() {
    let page = page(&ReportBuilder::new().finish());
    assert!(page.contains("There was no market data."));
    assert!(!page.contains("NaN"));
}

#[test]
fn with_enough_days_the_page_has_the_figures_of_a_year() {
    let mut run = Run::new();
    run.quote("100", "100").fill(1, Side::Buy, "10", "0");
    for day in 1..40 {
        let price = (100 + day * 7 % 11).to_string();
        run.at(day * 86_400).quote(&price, &price);
    }
    let report = run.report();
    let figures = report.returns.figures.expect("there are enough days");
    // It holds ten of the only instrument all the time.
    assert!(figures.beta.unwrap() > 0.0 && figures.omega.is_some() && figures.skew.is_some());
    let page = page(&report);
    assert!(page.contains("<th scope=\"row\">– Cornish-Fisher</th>"));
    assert!(page.contains("<th scope=\"row\">Sharpe</th>"));
    assert!(page.contains("Histogram of 40 days"));
    assert!(!page.contains("too few"));
}

#[test]
fn a_long_run_fits_its_budget_and_both_files_are_written() {
    let mut run = Run::new();
    for i in 0..15_000_u64 {
        let (bid, ask) = (format!("{}.{:02}", 90 + i * 7 % 20, i % 100), format!("{}.5", 110 + i % 3));
        run.quote(&bid, &ask);
        let side = if i % 2 == 0 { Side::Buy } else { Side::Sell };
        run.order(i + 1, side, if i == 0 { "1" } else { "2" });
        run.fill(i + 1, side, if i == 0 { "1" } else { "2" }, "0.01");
    }
    let report = run.report();
    assert_eq!(report.trades.closed, 14_999);
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("new"), &report).unwrap();
    let html = std::fs::read(folder.path().join("new/report.html")).unwrap();
    assert!(html.len() <= 1_500_000, "{} bytes", html.len());
    let json = std::fs::read_to_string(folder.path().join("new/report.json")).unwrap();
    let read: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(read.trades.list, report.trades.list);
}
