//! A curve in one line of text.

use super::figures::Curve;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last value of each of `width` equal spans of time, from the lowest to the highest; a span without a
/// value repeats the one before. Empty for an empty curve.
pub fn sparkline(curve: &Curve, width: usize) -> String {
    let (Some(&first), Some(&last)) = (curve.time.first(), curve.time.last()) else { return String::new() };
    let mut values = vec![None; width];
    for (time, value) in curve.time.iter().zip(&curve.last) {
        let place = if last > first { (time - first) / (last - first) } else { 1.0 };
        values[((place * width as f64) as usize).min(width - 1)] = Some(*value);
    }
    let mut known = curve.last[0];
    let values: Vec<f64> = values
        .into_iter()
        .map(|value| {
            known = value.unwrap_or(known);
            known
        })
        .collect();
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let high = values.iter().copied().fold(f64::MIN, f64::max);
    let block = |value: f64| {
        if high > low { BLOCKS[((value - low) / (high - low) * 7.0).round() as usize] } else { BLOCKS[3] }
    };
    values.into_iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(points: &[(f64, f64)], width: usize) -> String {
        let (time, last) = points.iter().copied().unzip();
        sparkline(&Curve { time, last, ..Curve::default() }, width)
    }

    #[test]
    fn draws_from_lowest_to_highest_and_repeats_through_silence() {
        assert_eq!(draw(&[], 4), "");
        assert_eq!(draw(&[(0.0, 5.0)], 4), "▄▄▄▄");
        assert_eq!(draw(&[(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 8.0)], 4), "▁▂▃█");
        assert_eq!(draw(&[(0.0, 1.0), (8.0, 2.0)], 8), "▁▁▁▁▁▁▁█");
        assert_eq!(draw(&[(0.0, 2.0), (1.0, 2.0)], 2), "▄▄");
    }
}
