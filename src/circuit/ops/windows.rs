//! Windows over planes, as shifts of a plane's phases.

use crate::circuit::wiring::{Members, Position, Scan, exponent};
use crate::model::Window;

/// The phases of a strided plane that have elements, as first row and column.
pub(super) fn phases(window: &Window) -> Vec<[usize; 2]> {
    let [down, along] = window.strides;
    let [height, width] = window.input;
    (0..down.min(height))
        .flat_map(|row| (0..along.min(width)).map(move |column| [row, column]))
        .collect()
}

/// How planes are cut that nothing wishes to have otherwise.
pub(super) fn planes_of(size: [usize; 2], members: Members) -> Scan {
    Scan::Planes { size, strides: [1, 1], members, alone: false }
}

/// For a phase, the taps that see it and how far they shift it: output = position in phase + shift.
pub(super) fn shifts(window: &Window, phase: [usize; 2]) -> Vec<(usize, Position)> {
    let along = |axis: usize, tap: usize| {
        let offset =
            exponent(phase[axis] + window.pads[axis]) - exponent(tap * window.dilations[axis]);
        let stride = exponent(window.strides[axis]);
        (offset.rem_euclid(stride) == 0).then(|| offset.div_euclid(stride))
    };
    (0..window.len())
        .filter_map(|tap| {
            let down = along(0, tap / window.kernel[1])?;
            Some((tap, [along(1, tap % window.kernel[1])?, down]))
        })
        .collect()
}

/// The taps with which a window sees the input.
pub(super) fn seen_taps(window: &Window, output: [usize; 2]) -> impl Iterator<Item = usize> + '_ {
    let [down, along] = window.taps(output);
    down.flat_map(move |row| along.clone().map(move |column| row * window.kernel[1] + column))
}

/// How many they are.
pub(super) fn count_seen(window: &Window, output: [usize; 2]) -> usize {
    window.taps(output).iter().map(ExactSizeIterator::len).product()
}

/// The length of a plane that a pool's only window sees whole.
pub(super) fn whole_window(window: &Window) -> Option<usize> {
    let whole = window.output == [1, 1] && window.pads == [0, 0] && window.kernel == window.input;
    (whole && window.dilations == [1, 1]).then(|| window.len())
}
