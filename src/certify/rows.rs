//! What each row is, read from the fixed columns: flags, constants, places and positions.

use super::CertifyError;
use super::shape::{
    Exponents, Flag, HashPlaces, MOVES_PER_COLUMN, Place, Places, Shape, WeightPlaces,
};
use super::source::integer;
use halo2_proofs::halo2curves::bn256::Fr;
use std::collections::HashMap;

/// What is multiplied with a value that contributes.
#[derive(Clone, Copy, Debug)]
pub enum Factor {
    /// A fixed weight.
    Weight(i128),
    /// What a row holds, less its first lane.
    Loaded(usize),
    /// A committed weight, by its number, and its scale.
    Committed(u32, i128),
    /// What is committed beside weights.
    Nothing,
}

/// A value's share of a place: where it lies, and its factor's number.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub slot: u32,
    pub factor: u32,
}

/// What is looked at beside rows' own flags: hashes, and weights that are committed.
pub trait Beside {
    /// Whether hashes are what they should be, the domain and links being so.
    fn check_hashes(&self, rows: &Rows<'_>, places: &HashPlaces) -> Result<(), CertifyError>;

    /// The same of rows with committed weights, flags being read.
    fn check_weights(&self, rows: &Rows<'_>, places: &WeightPlaces) -> Result<(), CertifyError>;

    /// The factors of a row's committed weights, by lane.
    fn factors(&self, rows: &Rows<'_>, row: usize) -> Result<Vec<(i32, Factor)>, CertifyError>;
}

/// All rows.
pub struct Rows<'a> {
    pub shape: &'a Shape,
    places: &'a Places,
    fixed: &'a [Vec<Fr>],
    flags: Vec<u32>,
    /// Of rows with several values the number of the flag that says so, from 1 on; 0 where there is one.
    several: Vec<u8>,
    /// Number of the place that each slot makes something at. (Border cells: the first one.)
    pub made: Vec<Option<u32>>,
    /// All places, by number.
    pub at: Vec<Exponents>,
    /// How many rows make each place.
    pub makers: Vec<u32>,
    /// Factors.
    pub factors: Vec<Factor>,
    /// Shares of places, in order of the places.
    shares: Vec<Share>,
    first_share: Vec<usize>,
    /// Weights and contributions, for the certificate.
    pub contributions: usize,
}

fn sum(a: Exponents, b: Exponents) -> Exponents {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

const WEIGHT: usize = 0;
const OUTPUT: usize = 1;
const POSITION: usize = 2;

impl<'a> Rows<'a> {
    /// Reads all rows.
    pub fn read(
        shape: &'a Shape,
        places: &'a Places,
        fixed: &'a [Vec<Fr>],
        beside: &impl Beside,
        usable: usize,
    ) -> Result<Self, CertifyError> {
        let mut rows = Self {
            shape,
            places,
            fixed,
            flags: Vec::new(),
            several: Vec::new(),
            made: Vec::new(),
            at: Vec::new(),
            makers: Vec::new(),
            factors: Vec::new(),
            shares: Vec::new(),
            first_share: Vec::new(),
            contributions: 0,
        };
        rows.check_domain(usable)?;
        rows.check_links()?;
        if let Some(places) = &places.hashes {
            beside.check_hashes(&rows, places)?;
        }
        rows.read_flags()?;
        if let Some(places) = &places.weights {
            beside.check_weights(&rows, places)?;
        }
        rows.walk(beside)?;
        Ok(rows)
    }

    pub fn len(&self) -> usize {
        self.shape.table_rows
    }

    /// Where a row's value lies among all values, idle ones counted.
    pub fn slot(&self, row: usize, value: usize) -> usize {
        self.shape.abreast * row + value
    }

    /// The row of a slot.
    pub fn row_of(&self, slot: usize) -> usize {
        slot / self.shape.abreast
    }

    /// The slots in use of a row.
    pub fn slots(&self, row: usize) -> std::ops::Range<usize> {
        let values = if self.several[row] > 0 { self.shape.abreast } else { 1 };
        self.slot(row, 0)..self.slot(row, values)
    }

    pub fn cell(&self, place: Place, row: usize) -> Fr {
        self.fixed[place.column][self.shape.fold * row + place.offset]
    }

    /// Where committed weights are.
    pub fn weights(&self) -> Option<&WeightPlaces> {
        self.places.weights.as_ref()
    }

    pub fn lane(&self, row: usize, lane: usize) -> Fr {
        self.cell(self.places.lanes[lane], row)
    }

    /// A lane as a signed integer.
    pub fn integer(&self, row: usize, lane: usize) -> Result<i128, CertifyError> {
        integer(self.lane(row, lane))
            .ok_or_else(|| CertifyError::row(row, format!("lane {lane} is no small integer")))
    }

    pub fn is(&self, row: usize, flag: Flag) -> bool {
        self.flags[row] & (1 << flag as u32) != 0
    }

    pub fn weighs(&self, row: usize) -> bool {
        self.cell(self.places.weighs, row) == Fr::one()
    }

    pub fn starts(&self, row: usize) -> bool {
        self.cell(self.places.starts, row) == Fr::one()
    }

    /// Whether it makes what the table says.
    pub fn reads_table(&self, row: usize) -> bool {
        [Flag::Divides, Flag::Intervals, Flag::Multiplies, Flag::MultipliesIn]
            .into_iter()
            .any(|flag| self.is(row, flag))
    }

    /// Whether it makes something at a place.
    pub fn makes(&self, row: usize) -> bool {
        [Flag::Divides, Flag::Intervals, Flag::Reads, Flag::Naturals, Flag::Adds, Flag::Border]
            .into_iter()
            .any(|flag| self.is(row, flag))
    }

    /// Whether its value contributes.
    fn takes(&self, row: usize) -> bool {
        self.reads_table(row) || self.is(row, Flag::Takes) || self.is(row, Flag::TakesWide)
    }

    /// The table's columns: values, starts, lengths.
    pub fn table(&self) -> Result<[Option<Vec<i128>>; 3], CertifyError> {
        let column = |place: Place| {
            let cell = |row: usize| {
                integer(self.cell(place, row + 1)).ok_or_else(|| {
                    CertifyError::row(row + 1, "the table's cell is no small integer")
                })
            };
            (0..self.len()).map(cell).collect::<Result<Vec<_>, _>>()
        };
        let places = self.places;
        let [values, starts, lengths] =
            [Some(places.table), places.starts_table, places.lengths_table]
                .map(|place| place.map(column).transpose());
        Ok([values?, starts?, lengths?])
    }

    /// The first row of the domain that is not one of the table's, where a column that is by itself is not 0.
    pub fn first_outside(&self, alone: Place) -> Option<usize> {
        let fold = self.shape.fold;
        let is_outside =
            |row: usize| !row.is_multiple_of(fold) || !(1..=self.len()).contains(&(row / fold));
        let column = &self.fixed[alone.column];
        (0..column.len())
            .find(|&row| is_outside(row) && column[row] != Fr::zero())
            .map(|row| row / fold)
    }

    /// `active` and `weighs` on all rows of the domain, and indices.
    fn check_domain(&self, usable: usize) -> Result<(), CertifyError> {
        let (fold, n) = (self.shape.fold, self.len());
        // The row after the last is where sums end; the last one is not blinded.
        if n < 256 || fold * (n + 1) > usable {
            return Err(CertifyError::Shape);
        }
        for row in 0..self.fixed[0].len() {
            let is_active = row % fold == 0 && (1..=n).contains(&(row / fold));
            let [active, weighs] =
                [self.places.active, self.places.weighs].map(|place| self.fixed[place.column][row]);
            let active_is = if is_active { Fr::one() } else { Fr::zero() };
            if active != active_is {
                return Err(CertifyError::row(
                    row / fold,
                    "`active` is not 1 on the table's rows alone",
                ));
            }
            if weighs != Fr::zero() && !(is_active && weighs == Fr::one()) {
                return Err(CertifyError::row(
                    row / fold,
                    "`weighs` is neither 0 nor 1 of an active row",
                ));
            }
            // Gates of values abreast have no other factor that is 0 there.
            let several = self.places.several.iter().flatten();
            let several: Vec<Fr> = several.map(|place| self.fixed[place.column][row]).collect();
            let has_several = several.iter().any(|&flag| flag != Fr::zero());
            if has_several && (!is_active || weighs != Fr::zero()) {
                return Err(CertifyError::row(
                    row / fold,
                    "several values are on no row of values",
                ));
            }
        }
        for row in 1..=n {
            let index = integer(self.cell(self.places.index, row));
            if index.and_then(|index| usize::try_from(index).ok()) != Some(row - 1) {
                return Err(CertifyError::row(row, "its index is not its number"));
            }
        }
        Ok(())
    }

    /// That a link's rows are just those on which a proof shows a commitment's words, in their order: word number i, from 1
    /// on, on the i-th row of the subgroup that the commitment is made over.
    fn check_links(&self) -> Result<(), CertifyError> {
        let domain = self.fixed[0].len();
        let classes = self.shape.classes().ok_or(CertifyError::Shape)?;
        let links = self.places.links.iter().zip(&self.shape.links).zip(classes);
        for (number, ((&[_, _, rows], &words), class)) in links.enumerate() {
            let apart = domain >> class;
            // Where columns share one, rows are not the domain's.
            if self.shape.fold != 1 || apart << class != domain || words * apart > self.len() {
                return Err(CertifyError::Shape);
            }
            for row in 1..=self.len() {
                let has_word = row % apart == 0 && row / apart <= words;
                let expected = if has_word { Fr::one() } else { Fr::zero() };
                if self.cell(rows, row) != expected {
                    let what = format!("the words of link {number} do not lie on its rows");
                    return Err(CertifyError::row(row, what));
                }
            }
        }
        Ok(())
    }

    fn read_flags(&mut self) -> Result<(), CertifyError> {
        self.flags = vec![0; self.len() + 1];
        self.several = vec![0; self.len() + 1];
        for row in 1..=self.len() {
            for (number, place) in (1..).zip(self.places.several) {
                let cell = place.map_or(Fr::zero(), |place| self.cell(place, row));
                if cell == Fr::zero() {
                    continue;
                }
                if cell != Fr::one() || self.several[row] > 0 {
                    return Err(CertifyError::row(row, "how many values it has is not one of two"));
                }
                self.several[row] = number;
            }
            let starts = self.cell(self.places.starts, row);
            if starts != Fr::zero() && starts != Fr::one() {
                return Err(CertifyError::row(row, "`starts` is neither 0 nor 1"));
            }
            if self.weighs(row) {
                continue;
            }
            for &(flag, place) in &self.places.flags {
                let cell = self.cell(place, row);
                if cell == Fr::one() {
                    self.flags[row] |= 1 << flag as u32;
                } else if cell != Fr::zero() {
                    return Err(CertifyError::row(
                        row,
                        format!("flag {flag:?} is neither 0 nor 1"),
                    ));
                }
            }
            self.check_kind(row)?;
        }
        Ok(())
    }

    /// Flags that mean something together, and no others.
    fn check_kind(&self, row: usize) -> Result<(), CertifyError> {
        let is = |flag: Flag| self.is(row, flag);
        let kinds = [
            Flag::Divides,
            Flag::Intervals,
            Flag::Multiplies,
            Flag::MultipliesIn,
            Flag::Reads,
            Flag::Naturals,
            Flag::Adds,
            Flag::Border,
            Flag::Holds,
            Flag::Inputs,
        ];
        let kinds = kinds.into_iter().filter(|&flag| is(flag)).count();
        let is_word = is(Flag::EndsWord) && !is(Flag::Packs);
        let only_reads = [Flag::Larger, Flag::Pairs, Flag::Loads, Flag::Wide];
        let strange = kinds > 1
            || (only_reads.into_iter().any(is) && !is(Flag::Reads))
            || (is(Flag::Continues) && !is(Flag::Intervals) && !is(Flag::Adds))
            || (is(Flag::TakesWide) && !is(Flag::Wide))
            || (is(Flag::Wide) && (is(Flag::Larger) || is(Flag::Pairs) || is(Flag::Takes)))
            || (is(Flag::Larger) && is(Flag::Pairs))
            || (is(Flag::Takes) && (self.reads_table(row) || is(Flag::Border)))
            || (is_word && (kinds > 0 || self.takes(row)))
            || (is(Flag::Packs) && (is(Flag::Wide) || is(Flag::Border) || is(Flag::Naturals)))
            || (is(Flag::Packs) && (is(Flag::Adds) || is(Flag::Holds)));
        // All that values abreast can be: what else a row can do, gates say of its first value alone.
        let abreast = [
            Flag::Divides,
            Flag::Intervals,
            Flag::Adds,
            Flag::Reads,
            Flag::Border,
            Flag::Holds,
            Flag::Inputs,
        ];
        let alone = [Flag::Loads, Flag::Pairs, Flag::Wide, Flag::TakesWide];
        let is_public_input = is(Flag::Packs) && kinds == 0 && !self.shape.private_input;
        let strange = strange
            || self.several[row] > 0
                && (alone.into_iter().any(is)
                    || !(abreast.into_iter().any(is) || is_public_input)
                    || (self.several[row] > 1 && is(Flag::Border)));
        if strange {
            return Err(CertifyError::row(row, "its flags do not go together"));
        }
        Ok(())
    }

    /// Where all cursors are on each row.
    fn cursors(&self) -> Result<[Vec<Exponents>; 3], CertifyError> {
        let mut all = [(); 3].map(|()| vec![[0; 3]; self.len() + 1]);
        for (cursor, at) in all.iter_mut().enumerate() {
            let menu = &self.shape.menus[cursor];
            for row in 1..=self.len() {
                at[row] = at[row - 1];
                // The lanes of rows of weights are weights.
                if cursor != WEIGHT && self.weighs(row) {
                    continue;
                }
                for (column, &place) in self.places.moves[cursor].iter().enumerate() {
                    let cell = self.cell(place, row);
                    let choice = (0..=MOVES_PER_COLUMN)
                        .find(|&choice| cell == Fr::from(choice as u64))
                        .ok_or_else(|| CertifyError::row(row, "a move is none of its menu"))?;
                    let Some(choice) = choice.checked_sub(1) else { continue };
                    let step = menu
                        .get(MOVES_PER_COLUMN * column + choice)
                        .ok_or_else(|| CertifyError::row(row, "a move is none of its menu"))?;
                    // Two moves of one row would not multiply but add up.
                    if at[row] != at[row - 1] {
                        return Err(CertifyError::row(row, "a cursor makes two moves"));
                    }
                    if step.iter().any(|exponent| exponent.unsigned_abs() > 64) {
                        return Err(CertifyError::Shape);
                    }
                    at[row] = sum(at[row], *step);
                }
            }
        }
        Ok(all)
    }

    /// Places made, and all shares in them.
    fn walk(&mut self, committed: &impl Beside) -> Result<(), CertifyError> {
        let cursors = self.cursors()?;
        let mut numbers: HashMap<Exponents, u32> = HashMap::new();
        self.made = vec![None; self.slot(self.len() + 1, 0)];
        for (row, &output) in cursors[OUTPUT].iter().enumerate().take(self.len() + 1).skip(1) {
            if !self.makes(row) {
                continue;
            }
            let spills = self.spills(row)?;
            let [apart, _] = self.apart(row);
            let first_slot = self.slot(row, 0);
            let of_value = |value: i32| (first_slot + usize::try_from(value).unwrap_or(0), value);
            let values = 0..i32::try_from(self.slots(row).len()).unwrap_or(i32::MAX);
            let all_spills = 0..i32::try_from(spills).unwrap_or(i32::MAX);
            let made: Vec<(usize, Exponents)> = if spills > 0 && self.shape.members == 1 {
                // They go on through all values.
                all_spills.map(|spill| (of_value(spill / 4).0, [spill, 0, 0])).collect()
            } else {
                // Of several members of a batch each value has as many.
                let each = if spills > 0 { all_spills } else { 0..1 };
                let along = values.map(of_value).flat_map(|(slot, value)| {
                    each.clone().map(move |spill| (slot, [spill, apart * value, 0]))
                });
                along.collect()
            };
            for (slot, step) in made {
                let place = sum(output, step);
                if place[0] < 1 {
                    // ρ⁰ belongs to the instances.
                    return Err(CertifyError::place(
                        row,
                        place,
                        "it is made at ρ to no positive power",
                    ));
                }
                let next = u32::try_from(self.at.len()).unwrap_or(u32::MAX);
                let number = *numbers.entry(place).or_insert(next);
                if number == next {
                    self.at.push(place);
                    self.makers.push(0);
                }
                self.makers[number as usize] += 1;
                self.made[slot].get_or_insert(number);
                let is_digit = self.is(row, Flag::Naturals);
                if self.makers[number as usize] > 1 && !is_digit {
                    return Err(CertifyError::place(row, place, "it is made twice"));
                }
            }
        }
        let mut shares: Vec<(u32, Share)> = Vec::new();
        let mut run: Vec<(Exponents, u32)> = Vec::new();
        let mut has_started = false;
        for (row, &at) in cursors[WEIGHT].iter().enumerate().take(self.len() + 1).skip(1) {
            if self.starts(row) {
                run.clear();
                has_started = true;
            }
            let uses = self.weighs(row) || self.is(row, Flag::Loads) || self.takes(row);
            if uses && !has_started {
                return Err(CertifyError::row(row, "it uses a coefficient that has not begun"));
            }
            if self.weighs(row) {
                for lane in 0..self.places.lanes.len() {
                    let weight = self.integer(row, lane)?;
                    if weight != 0 {
                        let step = i32::try_from(lane).unwrap_or(i32::MAX);
                        let factor = self.factor(Factor::Weight(weight));
                        run.push((sum(at, [step, 0, 0]), factor));
                    }
                }
                for (step, factor) in committed.factors(self, row)? {
                    let factor = self.factor(factor);
                    run.push((sum(at, [step, 0, 0]), factor));
                }
                continue;
            }
            if self.is(row, Flag::Loads) {
                let factor = self.factor(Factor::Loaded(row));
                run.push((at, factor));
            }
            if self.takes(row) {
                for &(at, factor) in &run {
                    let [_, apart] = self.apart(row);
                    for (value, slot) in (0..).zip(self.slots(row)) {
                        let place = sum(sum(cursors[POSITION][row], [0, apart * value, 0]), at);
                        let is_nothing = matches!(self.factors[factor as usize], Factor::Nothing);
                        let number = match (numbers.get(&place), is_nothing) {
                            (Some(&number), false) => number,
                            // There it has to add up to 0.
                            (None, true) => continue,
                            (None, false) => {
                                let what = "something is contributed to it, and no row makes it";
                                return Err(CertifyError::place(row, place, what));
                            }
                            (Some(_), true) => {
                                let what = "what is no weight is contributed to it";
                                return Err(CertifyError::place(row, place, what));
                            }
                        };
                        let slot = u32::try_from(slot).unwrap_or(u32::MAX);
                        shares.push((number, Share { slot, factor }));
                    }
                }
            }
        }
        self.contributions = shares.len();
        // In order of places, and of rows within each.
        shares.sort_by_key(|&(place, _)| place);
        self.first_share = Vec::with_capacity(self.at.len() + 1);
        let mut next = 0;
        for place in 0..=self.at.len() {
            while shares.get(next).is_some_and(|share| (share.0 as usize) < place) {
                next += 1;
            }
            self.first_share.push(next);
        }
        self.shares = shares.into_iter().map(|(_, share)| share).collect();
        Ok(())
    }

    fn factor(&mut self, factor: Factor) -> u32 {
        self.factors.push(factor);
        u32::try_from(self.factors.len() - 1).unwrap_or(u32::MAX)
    }

    /// What is contributed to a place, in order of rows.
    pub fn shares(&self, place: u32) -> &[Share] {
        let place = place as usize;
        &self.shares[self.first_share[place]..self.first_share[place + 1]]
    }

    /// How many steps the places of a row's values are apart, and their positions.
    fn apart(&self, row: usize) -> [i32; 2] {
        match self.several[row].checked_sub(1) {
            Some(number) => self.shape.apart_by()[usize::from(number)],
            None => [0, 0],
        }
    }

    /// How many spills a row takes: the first, and one for each of three lanes, from the first on; four for each value where
    /// there are several and no batch, of which each value takes as many as the first.
    fn spills(&self, row: usize) -> Result<usize, CertifyError> {
        if !self.is(row, Flag::Border) {
            return Ok(0);
        }
        let mut count = 1;
        for lane in 0..3 {
            let cell = self.lane(row, lane);
            if cell == Fr::one() {
                count = lane + 2;
            } else if cell != Fr::zero() {
                return Err(CertifyError::row(row, "a switch of spills is neither 0 nor 1"));
            }
            // A spill that is off makes nothing at its place.
            if cell == Fr::one() && count != lane + 2 {
                return Err(CertifyError::row(row, "its spills have a gap"));
            }
        }
        let on = (0..3).filter(|&lane| self.lane(row, lane) == Fr::one()).count();
        if on + 1 != count {
            return Err(CertifyError::row(row, "its spills have a gap"));
        }
        if self.several[row] == 0 || self.shape.members > 1 {
            return Ok(count);
        }
        if count < 4 {
            return Err(CertifyError::row(row, "its spills have a gap"));
        }
        Ok(4 * self.shape.abreast)
    }
}
