//! What the last `n` values say together, by halves: a window of 16 is two of 8, each of which was computed when its
//! last value came. So a new value costs as many steps as `n` has binary digits, whatever `n` is, and still the result
//! is made of the window's values alone, always in the same way: it cannot drift, and does not know what came before.
//! As halves are added to halves, a sum's error grows with the logarithm of its length.

use std::marker::PhantomData;

use super::kit::{larger, ratio};

/// What some successive values say together, and how two such make one.
///
/// # Safety
/// `write` puts, and `read` gets, exactly as many numbers as `NUMBERS` says: nobody looks whether there is room.
pub unsafe trait Part: Copy + Send {
    /// What comes in.
    type Value;
    /// How many numbers it is.
    const NUMBERS: usize;

    /// Of one value.
    fn of(value: Self::Value) -> Self;

    /// Of the older and the newer values together.
    fn join(older: Self, newer: Self, join: &Join) -> Self;

    /// Writes its numbers into a place, each into a column of its own.
    fn write(self, columns: &mut Columns<'_>);

    /// Reads them from there.
    fn read(columns: &mut Columns<'_>) -> Self;
}

/// Where the numbers of one part stand, so many places apart. (Side by side they would be read two at a time and wait
/// for the single ones that were just written.)
pub struct Columns<'a> {
    numbers: &'a mut [f64],
    place: usize,
    apart: usize,
}

impl<'a> Columns<'a> {
    /// For a part with so many numbers.
    ///
    /// # Safety
    /// `place` is below `apart`, and there are as many times `apart` numbers as the part has.
    #[inline(always)]
    unsafe fn at(numbers: &'a mut [f64], place: usize, apart: usize) -> Columns<'a> {
        Columns { numbers, place, apart }
    }

    #[inline(always)]
    fn put(&mut self, number: f64) {
        debug_assert!(self.place < self.numbers.len());
        // SAFETY: of `at`; a part has NUMBERS numbers.
        unsafe { *self.numbers.get_unchecked_mut(self.place) = number };
        self.place = self.place.wrapping_add(self.apart);
    }

    #[inline(always)]
    fn get(&mut self) -> f64 {
        debug_assert!(self.place < self.numbers.len());
        // SAFETY: of `at`; a part has NUMBERS numbers.
        let number = unsafe { *self.numbers.get_unchecked(self.place) };
        self.place = self.place.wrapping_add(self.apart);
        number
    }
}

/// Writes and reads the numbers of these fields, one after the other, behind those of a part that has them too.
macro_rules! numbers {
    ($first:ident $type:ty, $($field:ident)*) => {
        const NUMBERS: usize = <$type>::NUMBERS $(+ { let _ = stringify!($field); 1 })*;

        #[inline(always)]
        fn write(self, columns: &mut Columns<'_>) {
            self.$first.write(columns);
            $(columns.put(self.$field);)*
        }

        #[inline(always)]
        fn read(columns: &mut Columns<'_>) -> Self {
            Self { $first: <$type>::read(columns), $($field: columns.get()),* }
        }
    };
}

/// How many values the older and the newer part have.
#[derive(Clone, Copy, Debug)]
pub struct Join {
    older: f64,
    newer: f64,
    /// Σ of the older values' ages, once the newer ones are there.
    ages: f64,
}

impl Join {
    #[inline(always)]
    fn new(older: usize, newer: usize) -> Join {
        let (older, newer) = (older as f64, newer as f64);
        Join { older, newer, ages: older * (older - 1.0) / 2.0 + older * newer }
    }

    /// How two pieces of 2^`level` values are joined in a window of `length`, and such a piece with all that is newer.
    #[inline(always)]
    fn of_level(length: usize, level: usize) -> [Join; 2] {
        let size = 1 << level;
        let newer = length & (size - 1);
        [Join::new(size, size), Join::new(size, if newer > 0 { newer } else { 1 })]
    }
}

/// How many values a window has, and what follows from that: divisions that are done once.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    /// So many.
    pub all: f64,
    /// 1 / n.
    pub each: f64,
    /// 1 / (n − 1).
    free: f64,
    /// Σ of the squared distances of their places from the middle one.
    pub places: f64,
    per_place: f64,
}

impl Count {
    /// Of `count` values.
    pub fn new(count: u32) -> Count {
        let all = f64::from(count);
        let places = all * (all * all - 1.0) / 12.0;
        Count { all, each: 1.0 / all, free: 1.0 / (all - 1.0), places, per_place: 1.0 / places }
    }
}

/// The window of the last `length` values, for which there is code of its own where it is known beforehand: `N`, and 0
/// where not.
#[derive(Clone, Debug)]
pub struct Halves<P, const N: usize = 0> {
    length: usize,
    /// Of the last `size` windows of `size` values each one's part, from place `size` on, for every power of two.
    parts: Vec<f64>,
    /// How far apart the numbers of a part are: twice the largest power of two.
    apart: usize,
    kind: PhantomData<P>,
    /// For each power of two how two such are joined, and how what is newer than the piece of that size is.
    joins: Vec<[Join; 2]>,
    /// How many values came, of which place follows.
    came: usize,
}

impl<P: Part, const N: usize> Halves<P, N> {
    /// Over `length` values, at least 1.
    pub fn new(length: usize) -> Halves<P, N> {
        let length = length.max(1);
        assert!(N == 0 || N == length, "code for windows of {N} values, not {length}");
        let levels = length.ilog2() + 1;
        // What a number of places cannot be is no length; unsafe code counts on there being so many.
        let apart = 1_usize.checked_shl(levels).expect("a window that fits memory");
        let numbers = P::NUMBERS.checked_mul(apart).expect("a window that fits memory");
        let joins = (0..levels).map(|level| Join::of_level(length, level as usize));
        Halves {
            length,
            parts: vec![0.0; numbers],
            apart,
            kind: PhantomData,
            joins: joins.collect(),
            came: 0,
        }
    }

    /// Takes a value; what the window that it ends says, once there is one.
    #[inline(always)] // a part that goes through memory is waited for
    pub fn push(&mut self, value: P::Value) -> Option<P> {
        let now = self.came;
        // Constants, where the length is one.
        let length = if N > 0 { N } else { self.length };
        let levels = if N > 0 { N.ilog2() as usize } else { self.joins.len() - 1 };
        let apart = if N > 0 { 2 << N.ilog2() } else { self.apart };
        let joins = |level: usize| if N > 0 { Join::of_level(N, level) } else { self.joins[level] };
        let numbers = &mut self.parts[..];
        // A place is below 2 · size, and `apart` is twice the largest size; `new` made NUMBERS times as many numbers.
        let mut part = P::of(value);
        // Pieces from the newest on, the smallest first: what is newer than one is less than its size.
        let mut whole: Option<P> = None;
        let mut size = 1_usize;
        for level in 0..levels {
            let [equal, rest] = joins(level);
            let place = |back: usize| size | (now.wrapping_sub(back) & (size - 1));
            // SAFETY: see above.
            let before = unsafe { P::read(&mut Columns::at(numbers, place(0), apart)) };
            // SAFETY: see above.
            part.write(&mut unsafe { Columns::at(numbers, place(0), apart) });
            if length & size != 0 {
                whole = Some(match whole {
                    None => part,
                    Some(whole) => {
                        // SAFETY: see above.
                        let mut at = unsafe { Columns::at(numbers, place(length & (size - 1)), apart) };
                        P::join(P::read(&mut at), whole, &rest)
                    }
                });
            }
            part = P::join(before, part, &equal);
            size <<= 1;
        }
        if let Some(newer) = whole {
            let [_, rest] = joins(levels);
            let place = |back: usize| size | (now.wrapping_sub(back) & (size - 1));
            // SAFETY: see above.
            part.write(&mut unsafe { Columns::at(numbers, place(0), apart) });
            // SAFETY: see above.
            let mut at = unsafe { Columns::at(numbers, place(length & (size - 1)), apart) };
            part = P::join(P::read(&mut at), newer, &rest);
        }
        self.came = now.wrapping_add(1);
        (now >= length - 1).then_some(part)
    }
}

/// A sum.
// SAFETY: it has as many numbers as it says.
unsafe impl Part for f64 {
    type Value = f64;
    const NUMBERS: usize = 1;

    #[inline(always)]
    fn write(self, columns: &mut Columns<'_>) {
        columns.put(self);
    }

    #[inline(always)]
    fn read(columns: &mut Columns<'_>) -> Self {
        columns.get()
    }

    #[inline(always)]
    fn of(value: f64) -> f64 {
        value
    }

    #[inline(always)]
    fn join(older: f64, newer: f64, _: &Join) -> f64 {
        older + newer
    }
}

/// Several sums.
// SAFETY: it has as many numbers as it says.
unsafe impl<const K: usize> Part for [f64; K] {
    type Value = [f64; K];
    const NUMBERS: usize = K;

    #[inline(always)]
    fn write(self, columns: &mut Columns<'_>) {
        for number in self {
            columns.put(number);
        }
    }

    #[inline(always)]
    fn read(columns: &mut Columns<'_>) -> Self {
        let mut numbers = [0.0; K];
        for number in &mut numbers {
            *number = columns.get();
        }
        numbers
    }

    #[inline(always)]
    fn of(value: [f64; K]) -> [f64; K] {
        value
    }

    #[inline(always)]
    fn join(mut older: [f64; K], newer: [f64; K], _: &Join) -> [f64; K] {
        for (older, newer) in older.iter_mut().zip(newer) {
            *older += newer;
        }
        older
    }
}

/// Two of one length side by side.
// SAFETY: it has as many numbers as it says.
unsafe impl<A: Part, B: Part> Part for (A, B) {
    type Value = (A::Value, B::Value);
    const NUMBERS: usize = A::NUMBERS + B::NUMBERS;

    #[inline(always)]
    fn write(self, columns: &mut Columns<'_>) {
        self.0.write(columns);
        self.1.write(columns);
    }

    #[inline(always)]
    fn read(columns: &mut Columns<'_>) -> Self {
        let first = A::read(columns);
        (first, B::read(columns))
    }

    #[inline(always)]
    fn of((a, b): Self::Value) -> (A, B) {
        (A::of(a), B::of(b))
    }

    #[inline(always)]
    fn join(older: (A, B), newer: (A, B), join: &Join) -> (A, B) {
        (A::join(older.0, newer.0, join), B::join(older.1, newer.1, join))
    }
}

/// The better of two numbers.
macro_rules! extremes {
    ($($(#[$about:meta])* $name:ident $better:tt)*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(pub f64);

        // SAFETY: it has as many numbers as it says.
        unsafe impl Part for $name {
            type Value = f64;
            const NUMBERS: usize = 1;

            #[inline(always)]
            fn write(self, columns: &mut Columns<'_>) {
                columns.put(self.0);
            }

            #[inline(always)]
            fn read(columns: &mut Columns<'_>) -> Self {
                $name(columns.get())
            }

            #[inline(always)]
            fn of(value: f64) -> $name {
                $name(value)
            }

            #[inline(always)]
            fn join(older: $name, newer: $name, _: &Join) -> $name {
                if older.0 $better newer.0 { older } else { newer }
            }
        }
    )*};
}

extremes! {
    /// The highest of numbers that are no zeros of two signs.
    Highest >
    /// The lowest of numbers that are no zeros of two signs.
    Lowest <
}

/// The last value, and what the others are from it.
///
/// What near numbers are from each other is exact, which what they are from their rounded mean is not; and as the last
/// is one of them, the mean is within √(n − 1) standard deviations of it: no power about the mean can lose more by it.
/// What the last value moved by is known at once, so that joining is one addition to what the newer part says.
#[derive(Clone, Copy, Debug)]
pub struct FromLast {
    /// The last value.
    pub last: f64,
    /// Σ (x − last).
    pub sum: f64,
}

impl FromLast {
    /// The mean of `count` values.
    #[inline(always)]
    pub fn mean(&self, count: &Count) -> f64 {
        self.last + self.sum * count.each
    }
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for FromLast {
    type Value = f64;
    numbers!(last f64, sum);

    #[inline(always)]
    fn of(value: f64) -> FromLast {
        FromLast { last: value, sum: 0.0 }
    }

    #[inline(always)]
    fn join(older: FromLast, newer: FromLast, join: &Join) -> FromLast {
        let step = newer.last - older.last;
        FromLast { last: newer.last, sum: newer.sum + (older.sum - join.older * step) }
    }
}

/// Squares beside it.
#[derive(Clone, Copy, Debug)]
pub struct Squares {
    /// The last value and what the others are from it.
    pub from: FromLast,
    /// Σ (x − last)².
    square: f64,
}

impl Squares {
    /// Σ (x − mean)² of `count` values.
    #[inline(always)]
    pub fn second(&self, count: &Count) -> f64 {
        larger(0.0, self.square - self.from.sum * (self.from.sum * count.each))
    }

    /// Variance of `count` values with divisor n.
    #[inline(always)]
    pub fn variance(&self, count: &Count) -> f64 {
        self.second(count) * count.each
    }

    /// Variance of `count` values with divisor n − 1.
    #[inline(always)]
    pub fn sample_variance(&self, count: &Count) -> f64 {
        self.second(count) * count.free
    }

    /// How many standard deviations the last of `count` values is from their mean.
    #[inline(always)]
    pub fn z(&self, count: &Count) -> Option<f64> {
        let sum = self.from.sum;
        ratio(-sum, larger(0.0, count.all * self.square - sum * sum).sqrt())
    }
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for Squares {
    type Value = f64;
    numbers!(from FromLast, square);

    #[inline(always)]
    fn of(value: f64) -> Squares {
        Squares { from: FromLast::of(value), square: 0.0 }
    }

    #[inline(always)]
    fn join(older: Squares, newer: Squares, join: &Join) -> Squares {
        let step = newer.from.last - older.from.last;
        let moved = older.square - step * (2.0 * older.from.sum - join.older * step);
        Squares { from: FromLast::join(older.from, newer.from, join), square: newer.square + moved }
    }
}

/// A line through the values beside squares.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Squares.
    pub squares: Squares,
    /// Σ (x − last) · age, the last being of age 0.
    aged: f64,
}

impl Line {
    /// Σ x · (place − middle place) of `count` values.
    #[inline(always)]
    pub fn moment(&self, count: &Count) -> f64 {
        moment(self.squares.from.sum, self.aged, count)
    }

    /// The slope of the least-squares line through `count` values.
    #[inline(always)]
    pub fn slope(&self, count: &Count) -> f64 {
        self.moment(count) * count.per_place
    }
}

#[inline(always)]
fn moment(sum: f64, aged: f64, count: &Count) -> f64 {
    (count.all - 1.0) * 0.5 * sum - aged
}

#[inline(always)]
fn joined_ages(older: FromLast, [aged, newer]: [f64; 2], last: f64, join: &Join) -> f64 {
    newer + (aged + join.newer * older.sum - join.ages * (last - older.last))
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for Line {
    type Value = f64;
    numbers!(squares Squares, aged);

    #[inline(always)]
    fn of(value: f64) -> Line {
        Line { squares: Squares::of(value), aged: 0.0 }
    }

    #[inline(always)]
    fn join(older: Line, newer: Line, join: &Join) -> Line {
        let squares = Squares::join(older.squares, newer.squares, join);
        let aged = joined_ages(older.squares.from, [older.aged, newer.aged], squares.from.last, join);
        Line { squares, aged }
    }
}

/// Higher powers beside squares.
#[derive(Clone, Copy, Debug)]
pub struct Powers {
    /// Squares.
    pub squares: Squares,
    /// Σ (x − last)³.
    cube: f64,
    /// Σ (x − last)⁴.
    fourth: f64,
}

impl Powers {
    /// Σ (x − mean)³ of `count` values.
    #[inline(always)]
    pub fn third(&self, count: &Count) -> f64 {
        let Squares { from: FromLast { sum, .. }, square } = self.squares;
        let mean = sum * count.each;
        self.cube - mean * (3.0 * square - 2.0 * sum * mean)
    }

    /// Σ (x − mean)⁴ of `count` values.
    #[inline(always)]
    pub fn fourth(&self, count: &Count) -> f64 {
        let Squares { from: FromLast { sum, .. }, square } = self.squares;
        let mean = sum * count.each;
        larger(0.0, self.fourth - mean * (4.0 * self.cube - mean * (6.0 * square - 3.0 * sum * mean)))
    }
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for Powers {
    type Value = f64;
    numbers!(squares Squares, cube fourth);

    #[inline(always)]
    fn of(value: f64) -> Powers {
        Powers { squares: Squares::of(value), cube: 0.0, fourth: 0.0 }
    }

    #[inline(always)]
    fn join(older: Powers, newer: Powers, join: &Join) -> Powers {
        let Squares { from, square } = older.squares;
        let step = newer.squares.from.last - from.last;
        let all = join.older * step;
        let cube = older.cube - step * (3.0 * square - step * (3.0 * from.sum - all));
        let inner = 6.0 * square - step * (4.0 * from.sum - all);
        let fourth = older.fourth - step * (4.0 * older.cube - step * inner);
        Powers {
            squares: Squares::join(older.squares, newer.squares, join),
            cube: newer.cube + cube,
            fourth: newer.fourth + fourth,
        }
    }
}

/// Powers and a line: to the bit what [`Powers`] and [`Line`] say.
#[derive(Clone, Copy, Debug)]
pub struct PowersAndLine {
    /// The powers.
    pub powers: Powers,
    aged: f64,
}

impl PowersAndLine {
    /// Σ x · (place − middle place) of `count` values.
    #[inline(always)]
    pub fn moment(&self, count: &Count) -> f64 {
        moment(self.powers.squares.from.sum, self.aged, count)
    }
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for PowersAndLine {
    type Value = f64;
    numbers!(powers Powers, aged);

    #[inline(always)]
    fn of(value: f64) -> PowersAndLine {
        PowersAndLine { powers: Powers::of(value), aged: 0.0 }
    }

    #[inline(always)]
    fn join(older: PowersAndLine, newer: PowersAndLine, join: &Join) -> PowersAndLine {
        let powers = Powers::join(older.powers, newer.powers, join);
        let last = powers.squares.from.last;
        let aged = joined_ages(older.powers.squares.from, [older.aged, newer.aged], last, join);
        PowersAndLine { powers, aged }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers by the bits of a counter.
    fn draw(step: u64) -> f64 {
        let mix = (step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mix ^ (mix >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The obvious way: pieces whose lengths are powers of two, the smallest the newest, each halved down to one value.
    fn slow<P: Part<Value = f64>>(values: &[f64]) -> P {
        let (mut end, mut whole, mut joined) = (values.len(), None, 0);
        for level in 0..usize::BITS {
            let size = 1_usize << level;
            if values.len() & size == 0 {
                continue;
            }
            let piece = halved::<P>(&values[end - size..end]);
            whole = Some(whole.map_or(piece, |whole| P::join(piece, whole, &Join::new(size, joined))));
            (end, joined) = (end - size, joined + size);
        }
        whole.expect("a window has values")
    }

    fn halved<P: Part<Value = f64>>(values: &[f64]) -> P {
        if let [value] = values {
            return P::of(*value);
        }
        let half = values.len() / 2;
        P::join(halved::<P>(&values[..half]), halved::<P>(&values[half..]), &Join::new(half, half))
    }

    /// One window at its bits, whichever kind.
    fn check<P: Part<Value = f64>>(bits: impl Fn(P) -> Vec<u64>) {
        for length in [1, 2, 3, 5, 7, 8, 20, 30, 64, 100] {
            let mut halves = Halves::<P>::new(length);
            let values: Vec<f64> = (0..350).map(|step| 100.0 + draw(step)).collect();
            for end in 1..=values.len() {
                let found = halves.push(values[end - 1]);
                let expected = end.checked_sub(length).map(|from| slow::<P>(&values[from..end]));
                assert_eq!(found.map(&bits), expected.map(&bits), "{length} at {end}");
            }
        }
    }

    #[test]
    fn windows_have_the_bits_of_halves_taken_anew() {
        check::<f64>(|sum| vec![sum.to_bits()]);
        check::<Highest>(|it| vec![it.0.to_bits()]);
        check::<Lowest>(|it| vec![it.0.to_bits()]);
        check::<FromLast>(|it| vec![it.last.to_bits(), it.sum.to_bits()]);
        check::<Squares>(|it| vec![it.from.sum.to_bits(), it.square.to_bits()]);
        check::<Line>(|it| vec![it.squares.square.to_bits(), it.aged.to_bits()]);
        check::<Powers>(|it| vec![it.squares.square.to_bits(), it.cube.to_bits(), it.fourth.to_bits()]);
    }

    #[test]
    fn windows_of_a_known_length_are_those_of_any() {
        fn check<const N: usize>() {
            let (mut known, mut any) = (Halves::<PowersAndLine, N>::new(N), Halves::<PowersAndLine>::new(N));
            for step in 0..300 {
                let [known, any] = [known.push(draw(step)), any.push(draw(step))];
                assert_eq!(known.is_some(), any.is_some(), "{N} {step}");
                let Some((known, any)) = known.zip(any) else { continue };
                let count = &Count::new(N as u32);
                let bits = |it: PowersAndLine| {
                    let powers = it.powers;
                    [powers.squares.from.sum, powers.third(count), powers.fourth(count), it.moment(count)]
                        .map(f64::to_bits)
                };
                assert_eq!(bits(known), bits(any), "{N} {step}");
            }
        }
        macro_rules! each {
            ($($n:literal)*) => { $(check::<$n>();)* };
        }
        each!(1 2 3 4 6 7 8 9 10 13 14 15 16 20 21 26 30 31 32 33);
    }

    #[test]
    fn powers_and_line_are_powers_and_a_line() {
        for length in [2, 30, 63] {
            let mut both = Halves::<PowersAndLine>::new(length);
            let mut apart = (Halves::<Powers>::new(length), Halves::<Line>::new(length));
            for step in 0..200 {
                let value = 100.0 + draw(step);
                let powers = |it: Powers| [it.squares.from.sum, it.squares.square, it.cube, it.fourth];
                let (found, one, other) = (both.push(value), apart.0.push(value), apart.1.push(value));
                let bits = |numbers: [f64; 4]| numbers.map(f64::to_bits);
                assert_eq!(found.map(|it| bits(powers(it.powers))), one.map(|it| bits(powers(it))));
                let line = |aged: f64, squares: Squares| [aged, squares.square].map(f64::to_bits);
                let as_line = found.map(|it| line(it.aged, it.powers.squares));
                assert_eq!(as_line, other.map(|it| line(it.aged, it.squares)));
            }
        }
    }

    #[test]
    fn the_best_is_the_best_of_all() {
        for length in [1, 2, 9, 14, 33] {
            let (mut high, mut low) = (Halves::<Highest>::new(length), Halves::<Lowest>::new(length));
            let values: Vec<f64> = (0..200).map(|step| (draw(step) * 50.0).round()).collect();
            for end in 1..=values.len() {
                let window = end.checked_sub(length).map(|from| &values[from..end]);
                let best = |fold: fn(f64, f64) -> f64| window?.iter().copied().reduce(fold);
                assert_eq!(high.push(values[end - 1]).map(|it| it.0), best(f64::max));
                assert_eq!(low.push(values[end - 1]).map(|it| it.0), best(f64::min));
            }
        }
    }

    /// Σ (n·x − Σx)^power of whole numbers, which is n^power times the power about the mean, without any rounding.
    fn exact(values: &[i64], power: u32) -> f64 {
        let (count, sum) = (values.len() as i128, values.iter().map(|x| i128::from(*x)).sum::<i128>());
        let total: i128 = values.iter().map(|x| (count * i128::from(*x) - sum).pow(power)).sum();
        (0..power).fold(total as f64, |total, _| total / values.len() as f64)
    }

    /// The usual way: the rounded mean, then powers about it, one value after the other.
    fn two_passes(values: &[f64]) -> [f64; 3] {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let power = |x: f64, power: u32| (1..power).fold(x, |product, _| product * x);
        [2, 3, 4].map(|exponent| values.iter().map(|x| power(x - mean, exponent)).sum())
    }

    #[test]
    fn powers_are_nearer_to_the_exact_ones_than_those_about_a_rounded_mean() {
        for (name, level) in [("cents about 100", 10_000), ("cents about 50,000", 5_000_000), ("changes", 0)]
        {
            let (mut ours, mut usual) = ([0.0; 3], [0.0; 3]);
            for seed in 0..2_000_u64 {
                let length = [5, 20, 30, 64][seed as usize % 4];
                // Calm, with a trend, or with a jump.
                let mut price = level;
                let values: Vec<i64> = (0..length)
                    .map(|step| {
                        let change = (draw(seed * 1_000 + step) * 41.0) as i64 - 20;
                        let jump = if seed % 7 == 0 && step == 3 { 500 } else { 0 };
                        price += change / 4 + (seed % 5) as i64 + jump;
                        if level == 0 { change + jump } else { price }
                    })
                    .collect();
                let floats: Vec<f64> = values.iter().map(|value| *value as f64).collect();
                let it = slow::<Powers>(&floats);
                let exact = [2, 3, 4].map(|power| exact(&values, power));
                // A third power has no size of its own: it is measured by what its terms can be.
                let sizes = [exact[0], exact[0] * exact[0].sqrt(), exact[2]];
                let count = &Count::new(floats.len() as u32);
                let found = [it.squares.second(count), it.third(count), it.fourth(count)];
                let other = two_passes(&floats);
                for k in (0..3).filter(|k| sizes[*k] > 0.0) {
                    let error = |value: f64| (value - exact[k]).abs() / sizes[k];
                    assert!(error(found[k]) < 1e-14, "{name} {seed}: {}", error(found[k]));
                    ours[k] += error(found[k]) / 2_000.0;
                    usual[k] += error(other[k]) / 2_000.0;
                }
            }
            println!("{name}: {ours:?}, about a rounded mean {usual:?}");
            for k in 0..3 {
                // Changes about 0 have a mean that is rounded well: there the fourth power is a bit further off.
                let most = if level == 0 { 4e-16 } else { usual[k] };
                assert!(ours[k] <= most, "{name}, power {}: {} and {}", k + 2, ours[k], usual[k]);
            }
        }
    }

    #[test]
    fn equal_values_have_no_spread_and_a_straight_line_has_its_slope() {
        let mut halves = Halves::<Powers>::new(30);
        let last = (0..40).filter_map(|_| halves.push(0.1 + 0.2)).last().unwrap();
        let count = &Count::new(30);
        let powers = [last.squares.second(count), last.third(count), last.fourth(count)];
        assert_eq!((last.squares.from.sum, powers), (0.0, [0.0; 3]));
        let mut halves = Halves::<Line>::new(14);
        let line = (0..40).filter_map(|step| halves.push(3.0 + 0.5 * f64::from(step))).last().unwrap();
        assert!((line.slope(&Count::new(14)) - 0.5).abs() < 1e-15);
        assert_eq!(line.squares.from.sum, -0.5 * 91.0);
    }
}
