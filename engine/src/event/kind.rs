//! The number of every kind of event.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal $(($built:ident))?,)*) => {
        /// The number of every kind of event, built or reserved. Numbers are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[repr(u8)]
        #[allow(missing_docs)] // The names are the documentation; `Fact` describes those that are built.
        pub enum Kind { $($(#[$doc])* $name = $number,)* }

        impl Kind {
            /// Every kind in the order of its number.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The kind with this number.
            pub const fn from_number(number: u8) -> Option<Kind> {
                match number {
                    $($number => Some(Kind::$name),)*
                    _ => None,
                }
            }

            /// The kind's name, as in the documentation.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => stringify!($name),)* }
            }

            /// Whether this build knows the kind's contents; a reserved kind is only a name.
            pub const fn is_built(self) -> bool {
                match self { $(Kind::$name => [$(stringify!($built),)? ""].len() > 1,)* }
            }
        }
    };
}

kinds! {
    // Inputs: 1 to 95.
    RunStarted = 1 (built),
    InstrumentDefined = 2 (built),
    QuoteChanged = 3 (built),
    TradePrinted = 4 (built),
    BarReceived = 5 (built),
    BookChanged = 6 (built),
    BookReset = 7 (built),
    CorporateActionApplied = 8 (built),
    SessionChanged = 9 (built),
    MacroReleased = 10 (built),
    NewsPublished = 11 (built),
    EventScheduled = 12 (built),
    SignalReceived = 13 (built),
    TimerFired = 14 (built),
    ClockChecked = 15 (built),
    OperatorCommanded = 16 (built),
    ApprovalGiven = 17 (built),
    /// Derived, although its number is among the inputs: the engine judges who may change a limit.
    LimitsChanged = 18 (built),
    ConnectionChanged = 19 (built),
    FeedGap = 20 (built),
    LimitsRequested = 21 (built),
    OrderAccepted = 32 (built),
    OrderRejected = 33 (built),
    OrderUnknown = 34 (built),
    OrderFilled = 35 (built),
    TradeCorrected = 36 (built),
    OrderCancelled = 37 (built),
    CancelRejected = 38 (built),
    OrderExpired = 39 (built),
    OrderReplaced = 40 (built),
    ReplaceRejected = 41 (built),
    AccountReported = 42 (built),
    PositionReported = 43 (built),
    OrderTriggered = 44 (built),
    ModelLoaded = 48,
    ModelPromoted = 49,
    ModelKept = 50,
    RetrainStarted = 51,
    FeaturesReselected = 52 (built),
    ChapterClosed = 64 (built),
    // Derived: 96 to 191.
    DataFlagged = 96 (built),
    BarClosed = 97 (built),
    FeaturesComputed = 98 (built),
    RegimeChanged = 99 (built),
    DecisionMade = 100 (built),
    RiskAssessed = 101 (built),
    OrderDenied = 102 (built),
    OrderSubmitted = 103 (built),
    CancelRequested = 104 (built),
    ReplaceRequested = 105 (built),
    FinancingCharged = 106 (built),
    RewardComputed = 107,
    ShadowDecisionMade = 108,
    TradingHalted = 109 (built),
    AlertRaised = 110 (built),
    RunEnded = 111 (built),
}

impl Kind {
    /// Whether events of this kind are what a venue says: of orders, of the account, of positions.
    pub const fn is_from_venue(self) -> bool {
        let number = self as u8;
        Kind::OrderAccepted as u8 <= number && number <= Kind::PositionReported as u8
    }

    /// Whether events of this kind are market data: quotes, trades, bars, books.
    pub const fn is_market(self) -> bool {
        matches!(
            self,
            Kind::QuoteChanged | Kind::TradePrinted | Kind::BarReceived | Kind::BookChanged | Kind::BookReset
        )
    }

    /// Whether events of this kind are what the world outside of the markets says: statistics, news, what is to come.
    pub const fn is_outside(self) -> bool {
        matches!(self, Kind::MacroReleased | Kind::NewsPublished | Kind::EventScheduled)
    }

    /// Whether events of this kind come from the sources of a run: market data and what is missing of it, what
    /// was done to instruments, when they trade, what the world says, which columns are selected, and what another
    /// program wants.
    pub const fn is_sourced(self) -> bool {
        self.is_market()
            || self.is_outside()
            || matches!(
                self,
                Kind::CorporateActionApplied
                    | Kind::SessionChanged
                    | Kind::SignalReceived
                    | Kind::FeaturesReselected
                    | Kind::FeedGap
            )
    }
}
