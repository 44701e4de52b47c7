//! A graph drawn beside a list: one row for each thing, in an order in which things come after what they take, and lines in
//! lanes from each to those that take it.

use std::fmt::Write;

/// Height of a row, of which its dot is in the middle.
pub const ROW: usize = 30;
/// Between lanes, where there is room.
const PITCH: usize = 14;
/// However many lanes there are.
const WIDEST: usize = 210;

/// A drawing of all lines.
pub struct Lanes {
    /// By row.
    pub dots: Vec<Dot>,
    /// The lines, as a path of SVG for each.
    pub lines: Vec<Line>,
    pub width: usize,
    pub height: usize,
}

/// Where a row's dot is.
pub struct Dot {
    pub x: usize,
    pub y: usize,
}

/// From one row to another.
pub struct Line {
    pub from: usize,
    pub to: usize,
    pub path: String,
}

impl Lanes {
    /// Of rows that take what earlier ones give.
    pub fn new(taken: &[Vec<usize>]) -> Self {
        let lanes = assign(taken);
        let count = lanes.iter().max().map_or(1, |last| last + 1);
        let place = |lane: usize| {
            let pitch = PITCH.min(WIDEST / count).max(1);
            (pitch * lane).min(WIDEST) + PITCH
        };
        let dots: Vec<Dot> = (lanes.iter().enumerate())
            .map(|(row, &lane)| Dot { x: place(lane), y: ROW * row + ROW / 2 })
            .collect();
        let mut lines = Vec::new();
        for (to, from) in taken.iter().enumerate() {
            for &from in from {
                lines.push(Line { from, to, path: path(&dots[from], &dots[to]) });
            }
        }
        let width = place(count - 1) + PITCH;
        Self { dots, lines, width, height: ROW * taken.len() }
    }
}

/// Down the lane of what is taken, then over to whoever takes it.
fn path(from: &Dot, to: &Dot) -> String {
    let mut path = format!("M{} {}", from.x, from.y);
    if from.x == to.x {
        let _ = write!(path, "V{}", to.y);
    } else {
        let (bend, middle) = (to.y.saturating_sub(ROW), to.y.saturating_sub(ROW / 2));
        let _ = write!(path, "V{bend}C{} {middle} {} {middle} {} {}", from.x, to.x, to.x, to.y);
    }
    path
}

/// A lane for each row, which is its own until the last that takes it.
fn assign(taken: &[Vec<usize>]) -> Vec<usize> {
    let mut last_use: Vec<usize> = (0..taken.len()).collect();
    for (row, from) in taken.iter().enumerate() {
        for &from in from {
            last_use[from] = row;
        }
    }
    // Whose each lane is.
    let mut owners: Vec<Option<usize>> = Vec::new();
    let mut lanes = Vec::with_capacity(taken.len());
    for (row, from) in taken.iter().enumerate() {
        for owner in &mut owners {
            // Whoever takes the last of it may go on in its lane.
            *owner = owner.filter(|&owner| last_use[owner] > row);
        }
        let is_free = |lane: &usize| owners[*lane].is_none();
        let straight = from.iter().map(|&from| lanes[from]).find(is_free);
        let lane = straight.or_else(|| (0..owners.len()).find(is_free)).unwrap_or(owners.len());
        if lane == owners.len() {
            owners.push(None);
        }
        owners[lane] = Some(row);
        lanes.push(lane);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_one_straight_line() {
        let lanes = Lanes::new(&[vec![], vec![0], vec![1]]);
        assert!(lanes.dots.iter().all(|dot| dot.x == lanes.dots[0].x));
        assert_eq!(
            lanes.lines[1].path,
            format!("M{PITCH} {}V{}", ROW + ROW / 2, 2 * ROW + ROW / 2)
        );
        assert_eq!((lanes.width, lanes.height), (2 * PITCH, 3 * ROW));
    }

    #[test]
    fn what_is_taken_later_keeps_its_lane() {
        // A residual: 0 → 1 → 2, and 0 with 2 → 3; then a chain.
        let taken = [vec![], vec![0], vec![1], vec![0, 2], vec![3]];
        assert_eq!(assign(&taken), [0, 1, 1, 0, 0]);
        // Whatever the graph, nobody's dot is on the lane of what is still to be taken.
        let wide: Vec<Vec<usize>> =
            (0..60).map(|row| (row % 7..row).step_by(11).collect()).collect();
        let lanes = assign(&wide);
        for (to, from) in wide.iter().enumerate() {
            for &from in from {
                assert!((from + 1..to).all(|between| lanes[between] != lanes[from]));
            }
        }
    }

    #[test]
    fn many_lanes_stay_narrow() {
        let mut taken = vec![vec![]; 900];
        taken.push((0..900).collect());
        let lanes = Lanes::new(&taken);
        assert!(lanes.width <= WIDEST + 2 * PITCH, "{}", lanes.width);
        assert!(Lanes::new(&[]).lines.is_empty());
    }
}
