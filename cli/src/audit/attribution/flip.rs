//! The smallest change of one input of the last step after which the model decides otherwise, found by deciding again.
//!
//! Values are tried outwards on both sides, close ones first: parts of the way to what the input can be at most, and
//! where the gradient says that the decision would turn. From the first one that turns it, bisection goes back to the
//! last float: it turns the decision, and the next float towards the value that was there does not.

use genovo_engine::strategy::model::Chosen;

/// Steps of equal width to the end of an input's range.
const EQUAL: u32 = 64;
/// Halves of the first of them.
const HALVES: u32 = 24;

/// A value that turns the decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flip {
    /// The value.
    pub to: f32,
    /// The next one towards what was there: it does not turn the decision.
    pub before: f32,
    /// What is decided then.
    pub chosen: Chosen,
}

/// The nearest value found in `range` at which `decide` chooses another action than `action`, where it does at all.
/// `guess` is how far the gradient says that is, signed.
pub fn nearest<E>(
    value: f32,
    range: [f32; 2],
    guess: f64,
    action: usize,
    mut decide: impl FnMut(f32) -> Result<Chosen, E>,
) -> Result<Option<Flip>, E> {
    let mut found: Option<Flip> = None;
    let sides = if guess < 0.0 { [range[0], range[1]] } else { [range[1], range[0]] };
    for end in sides {
        let way = f64::from(end) - f64::from(value);
        let farthest = found.map_or(f64::INFINITY, |flip| (f64::from(flip.to) - f64::from(value)).abs());
        let mut last = value;
        for share in shares(guess / way) {
            let away = (way * share).abs();
            // Only what is nearer than what was found on the other side counts.
            let away = if away < farthest { away } else { farthest };
            let to = (f64::from(value) + way.signum() * away) as f32;
            if to == last || !to.is_finite() {
                continue;
            }
            let chosen = decide(to)?;
            if chosen.action != action {
                let flip = bisect(last, Flip { to, before: last, chosen }, action, &mut decide)?;
                if (f64::from(flip.to) - f64::from(value)).abs() < farthest {
                    found = Some(flip);
                }
                break;
            }
            if away == farthest {
                break;
            }
            last = to;
        }
    }
    Ok(found)
}

/// Shares of the way to the end, ascending, with the gradient's own if it is one of them.
fn shares(guess: f64) -> Vec<f64> {
    let first = 1.0 / f64::from(EQUAL);
    let mut shares: Vec<f64> = (1..=HALVES).rev().map(|half| first / f64::from(1_u32 << half)).collect();
    shares.extend((1..=EQUAL).map(|step| f64::from(step) / f64::from(EQUAL)));
    if guess > 0.0 && guess < 1.0 {
        // A little further too: a guess that falls short by rounding brackets nothing.
        shares.extend([guess, (guess * 1.01).min(1.0)]);
        shares.sort_by(f64::total_cmp);
    }
    shares
}

/// Between a value that does not turn the decision and one that does, to the last float.
fn bisect<E>(
    stays: f32,
    turns: Flip,
    action: usize,
    decide: &mut impl FnMut(f32) -> Result<Chosen, E>,
) -> Result<Flip, E> {
    let (mut stays, mut turns) = (stays, turns);
    loop {
        let (low, high) = (ordered(stays), ordered(turns.to));
        if low.abs_diff(high) <= 1 {
            return Ok(Flip { before: stays, ..turns });
        }
        let middle = of_ordered(((i64::from(low) + i64::from(high)).div_euclid(2)) as i32);
        let chosen = decide(middle)?;
        if chosen.action == action {
            stays = middle;
        } else {
            turns = Flip { to: middle, before: stays, chosen };
        }
    }
}

/// Floats as integers in the same order; both zeros are 0.
fn ordered(value: f32) -> i32 {
    let bits = value.to_bits() as i32;
    if bits >= 0 { bits } else { i32::MIN.wrapping_sub(bits) }
}

fn of_ordered(place: i32) -> f32 {
    let bits = if place >= 0 { place } else { i32::MIN.wrapping_sub(place) };
    f32::from_bits(bits as u32)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn chosen(action: usize) -> Result<Chosen, Infallible> {
        Ok(Chosen { action, log_probabilities: [0.0; 3], share: 0.5, target: None })
    }

    #[test]
    fn floats_in_order() {
        let values = [f32::MIN, -1.0, -1e-45, 0.0, 1e-45, 1.0, f32::MAX];
        for pair in values.windows(2) {
            assert!(ordered(pair[0]) < ordered(pair[1]), "{pair:?}");
        }
        for value in values {
            assert_eq!(of_ordered(ordered(value)), value);
        }
        assert_eq!(ordered(-0.0), ordered(0.0));
    }

    #[test]
    fn the_last_float_is_found_on_either_side_whatever_the_gradient_says() {
        for threshold in [0.3_f32, 0.500_001, 7.99, -0.7, -2e-9, -7.999_999] {
            for guess in [0.0, 1.0, -1.0, f64::from(threshold) - 0.25, 1e9, -1e9] {
                let value = 0.25_f32;
                let turns = |x: f32| if threshold > value { x >= threshold } else { x <= threshold };
                let found = nearest(value, [-8.0, 8.0], guess, 0, |x| chosen(usize::from(turns(x))));
                let found = found.unwrap().unwrap();
                assert_eq!(found.to, threshold, "guess {guess}");
                assert!(!turns(found.before) && ordered(found.to).abs_diff(ordered(found.before)) == 1);
                assert_eq!(found.chosen.action, 1);
            }
        }
    }

    #[test]
    fn of_two_sides_the_nearer_one_counts_and_none_is_none() {
        let two = |x: f32| chosen(if x > 2.0 { 1 } else { usize::from(x < -1.0) * 2 });
        for guess in [1.0, -1.0] {
            let found = nearest(0.0, [-8.0, 8.0], guess, 0, two).unwrap().unwrap();
            assert_eq!((found.before, found.chosen.action), (-1.0, 2));
        }
        assert_eq!(nearest(0.0, [-0.5, 2.0], 1.0, 0, two).unwrap(), None);
        assert_eq!(nearest(0.5, [0.0, 0.5], f64::NAN, 0, two).unwrap(), None);
    }
}
