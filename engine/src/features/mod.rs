//! Features: a catalogue of columns that follow from the events up to now, streaming and exact.
//!
//! Start reading at [`FeatureState`]: it takes quotes, trades and bars, samples the bars of four timeframes
//! ([`candle`]), and reads the row of columns at a decision. Families over closed bars are tables of indicators
//! (`momentum.rs` and its siblings; [`indicators`] holds the computations); families over ticks are small machines
//! (`microstructure.rs`, `order_flow.rs`, `volume_profile.rs`). [`catalogue`] lists them all.
//!
//! A scenario's own columns are expressions over the others ([`expression`]).
//!
//! Which columns a model is given may change while a run goes on ([`select`], [`reselect`], [`slots`]).
//!
//! A column without a value is `None`, journaled as +0.0 with its validity bit 0: before its warm-up, or where the data
//! lacks what it is made of. A column on a longer timeframe shows the last closed bar.

pub mod alter;
pub mod bank;
pub mod buckets;
pub mod calendar;
pub mod candle;
pub mod candles;
pub mod catalogue;
pub mod column;
pub mod cross_asset;
pub mod cycles;
pub mod expression;
pub mod halves;
pub mod indicators;
pub mod information;
pub mod kalman;
pub mod kit;
pub mod lanes;
pub mod layout;
pub mod macro_news;
pub mod microstructure;
pub mod momentum;
pub mod normalise;
pub mod order_book;
pub mod order_flow;
pub mod overlap;
pub mod regime;
pub mod reselect;
pub mod select;
pub mod slots;
pub mod state;
pub mod statistics;
pub mod tape;
pub mod trend;
pub mod volatility;
pub mod volume;
pub mod volume_profile;
pub mod wavelet;

pub use state::{FeatureError, FeatureState};
