//! Where in a contract's source an instruction comes from.

use super::{EvmError, phases::PhaseRegions};

/// A file that a contract was compiled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The number that the compiler's source maps give the file.
    pub id: u32,
    /// Its path, as reports show it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What connects a contract's bytecode with its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DebugInfo {
    /// The source map of the deployed bytecode, as solc writes it (`s:l:f:j:m;…`).
    pub source_map: String,
    /// The files that it speaks of. Those that are not given are treated as generated code.
    pub files: Vec<SourceFile>,
    /// Whether assembly blocks have only one position each.
    pub is_coarse: bool,
}

/// A line of a file, both counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Line {
    pub file: usize,
    pub line: usize,
}

/// Where an instruction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub line: Line,
    /// Index into [`Places::phases`]; nothing where the source does not say.
    pub phase: Option<usize>,
}

/// The places of a contract's instructions.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// By program counter.
    by_pc: Vec<Option<Place>>,
    /// Names of phases, in order of appearance.
    pub phases: Vec<String>,
}

impl Places {
    /// Finds the place of every instruction in `runtime`.
    pub fn new(runtime: &[u8], debug: &DebugInfo) -> Result<Self, EvmError> {
        let mut phases: Vec<String> = Vec::new();
        let files: Vec<FilePlaces<'_>> =
            debug.files.iter().map(|file| FilePlaces::new(file, &mut phases)).collect();

        let mut by_pc = vec![None; runtime.len()];
        let mut pc = 0;
        for position in positions(&debug.source_map) {
            let (start, id) = position?;
            let Some(&opcode) = runtime.get(pc) else { break };
            by_pc[pc] = files
                .iter()
                .enumerate()
                .find(|(_, file)| i64::from(file.id) == id)
                .and_then(|(index, file)| file.place(index, start));
            pc += 1 + immediate_length(opcode);
        }
        Ok(Self { by_pc, phases })
    }

    /// Where the instruction at `pc` comes from; nothing for generated code.
    pub fn at(&self, pc: usize) -> Option<Place> {
        self.by_pc.get(pc).copied().flatten()
    }
}

/// Number of bytes behind an opcode that belong to it.
fn immediate_length(opcode: u8) -> usize {
    // PUSH1 is 0x60, PUSH32 is 0x7f.
    if (0x60..=0x7f).contains(&opcode) { usize::from(opcode - 0x5f) } else { 0 }
}

/// A file's lines and phases.
struct FilePlaces<'a> {
    id: u32,
    text: &'a str,
    line_starts: Vec<usize>,
    regions: PhaseRegions,
    /// From the file's own numbers of phases to the contract's.
    phases: Vec<usize>,
}

impl<'a> FilePlaces<'a> {
    fn new(file: &'a SourceFile, all_phases: &mut Vec<String>) -> Self {
        let regions = PhaseRegions::find(&file.text);
        let phases = regions
            .names
            .iter()
            .map(|name| {
                all_phases.iter().position(|known| known == name).unwrap_or_else(|| {
                    all_phases.push(name.clone());
                    all_phases.len() - 1
                })
            })
            .collect();
        let line_starts =
            std::iter::once(0).chain(file.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { id: file.id, text: &file.text, line_starts, regions, phases }
    }

    fn place(&self, file: usize, offset: usize) -> Option<Place> {
        if offset >= self.text.len() {
            return None;
        }
        let line = self.line_starts.partition_point(|&start| start <= offset).checked_sub(1)?;
        let phase = self.regions.at(offset).and_then(|phase| self.phases.get(phase).copied());
        Some(Place { line: Line { file, line }, phase })
    }
}

/// The start and the file of every entry of a source map. Generated code has the file -1, and often a
/// start of `usize::MAX`.
pub(super) fn positions(map: &str) -> impl Iterator<Item = Result<(usize, i64), EvmError>> {
    let mut entry = Entry { start: usize::MAX, file: -1 };
    map.split(';').map(move |text| {
        entry.update(text)?;
        Ok((entry.start, entry.file))
    })
}

/// One entry of a source map; a field that is left out keeps its value.
struct Entry {
    start: usize,
    file: i64,
}

impl Entry {
    fn update(&mut self, text: &str) -> Result<(), EvmError> {
        let malformed = || EvmError::SourceMap { entry: text.to_owned() };
        let mut fields = text.split(':');
        if let Some(start) = fields.next().filter(|field| !field.is_empty()) {
            let start = start.parse::<i64>().map_err(|_| malformed())?;
            self.start = usize::try_from(start).unwrap_or(usize::MAX);
        }
        if let Some(file) = fields.nth(1).filter(|field| !field.is_empty()) {
            self.file = file.parse().map_err(|_| malformed())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debug(source_map: &str) -> DebugInfo {
        let text = "a\nb {\n// @phase one\nc\n}\n".to_owned();
        DebugInfo {
            source_map: source_map.to_owned(),
            files: vec![SourceFile { id: 3, name: "A.sol".to_owned(), text }],
            is_coarse: false,
        }
    }

    #[test]
    fn entries_keep_what_they_leave_out() {
        // PUSH2 0x5b5b, JUMPDEST, JUMPDEST, STOP: the immediate bytes have no entry.
        let runtime = [0x61, 0x5b, 0x5b, 0x5b, 0x5b, 0x00];
        let places = Places::new(&runtime, &debug("0:1:3:-:0;2;20:1;-1:-1:-1")).unwrap();
        let lines = [0, 1, 2, 3, 4, 5].map(|pc| places.at(pc).map(|place| place.line.line));
        assert_eq!(lines, [Some(0), None, None, Some(1), Some(3), None]);
        assert_eq!(places.at(4).unwrap().phase, Some(0));
        assert_eq!(places.phases, ["one"]);
    }

    #[test]
    fn other_files_and_places_behind_the_end_are_generated_code() {
        let places = Places::new(&[0x5b, 0x5b], &debug("0:1:2;999:1:3")).unwrap();
        assert_eq!((places.at(0), places.at(1), places.at(2)), (None, None, None));
    }

    #[test]
    fn malformed_maps_are_refused() {
        let error = Places::new(&[0x5b], &debug("x:1:3")).unwrap_err();
        assert_eq!(error, EvmError::SourceMap { entry: "x:1:3".to_owned() });
        assert!(Places::new(&[0x5b, 0x5b], &debug("0:1:3;::y")).is_err());
    }
}
