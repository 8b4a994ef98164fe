//! What the last `n` values say together, by halves: a window of 16 is two of 8, each of which was computed when its
//! last value came. So a new value costs as many steps as `n` has binary digits, whatever `n` is, and still the result
//! is made of the window's values alone, always in the same way: it cannot drift, and does not know what came before.
//! As halves are added to halves, a sum's error grows with the logarithm of its length.

use std::marker::PhantomData;

mod moments;

pub use moments::{FromLast, Line, Powers, PowersAndLine, Squares};

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
use numbers;

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers by the bits of a counter.
    pub(super) fn draw(step: u64) -> f64 {
        let mix = (step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mix ^ (mix >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The obvious way: pieces whose lengths are powers of two, the smallest the newest, each halved down to one value.
    pub(super) fn slow<P: Part<Value = f64>>(values: &[f64]) -> P {
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
        fn same<P: Part, const N: usize, const K: usize>(
            value: fn(f64) -> P::Value,
            numbers: fn(P) -> [f64; K],
        ) {
            let (mut known, mut any) = (Halves::<P, N>::new(N), Halves::<P>::new(N));
            for step in 0..300 {
                let known = known.push(value(draw(step))).map(numbers);
                let any = any.push(value(draw(step))).map(numbers);
                let bits = |numbers: Option<[f64; K]>| numbers.map(|numbers| numbers.map(f64::to_bits));
                assert_eq!(bits(known), bits(any), "{N} {step}");
            }
        }
        fn check<const N: usize>() {
            same::<f64, N, 1>(|x| x, |sum| [sum]);
            same::<[f64; 2], N, 2>(|x| [x, 1.0 - x], |sums| sums);
            same::<(Highest, Lowest), N, 2>(|x| (x, x), |(high, low)| [high.0, low.0]);
            same::<Squares, N, 2>(|x| x, |it| [it.from.sum, it.square]);
            same::<Line, N, 2>(|x| x, |it| [it.squares.square, it.aged]);
            same::<PowersAndLine, N, 3>(
                |x| x,
                |it| {
                    let count = &Count::new(N as u32);
                    [it.powers.third(count), it.powers.fourth(count), it.moment(count)]
                },
            );
        }
        macro_rules! each {
            ($($n:literal)*) => { $(check::<$n>();)* };
        }
        each!(1 2 3 4 6 7 8 9 10 13 14 15 16 20 21 26 30 31 32 33);
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
}
