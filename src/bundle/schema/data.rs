//! Data in a schema's units: JSON whose numbers are read as they are written.

use super::{DataField, DataSchema, Decimal, SchemaError, ValuePlace};
use crate::circuit::InstanceTensor;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt};

/// An object's members as they are written, also those that are there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(InOrder)
    }
}

/// The reader's own messages show what it found.
fn malformed(error: serde_json::Error) -> SchemaError {
    let (line, column) = (error.line(), error.column());
    SchemaError::MalformedData(format!("line {line}, column {column} is not as it should be"))
}

fn parsed<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, SchemaError> {
    serde_json::from_str(json).map_err(malformed)
}

impl DataSchema {
    /// The integers of data in this schema's units, of each inference: JSON, an object of all fields by their names, or an array of
    /// such objects.
    pub fn integers(&self, data: &[u8]) -> Result<Vec<Vec<i64>>, SchemaError> {
        let text = std::str::from_utf8(data);
        let text = text.map_err(|_| SchemaError::MalformedData("it is no text in UTF-8".into()))?;
        if !text.trim_start().starts_with('[') {
            return Ok(vec![self.inference(parsed(text)?, None)?]);
        }
        let inferences: Vec<Members<'_>> = parsed(text)?;
        let numbered = inferences.into_iter().enumerate();
        numbered.map(|(number, members)| self.inference(members, Some(number))).collect()
    }

    /// The same for an input of so many inferences, of their integers one after the other, as commitments take them.
    pub fn integers_for(
        &self,
        input: &InstanceTensor,
        inferences: usize,
        data: &[u8],
    ) -> Result<Vec<i32>, SchemaError> {
        self.check_input(input)?;
        let all = self.integers(data)?;
        if all.len() != inferences {
            return Err(SchemaError::Inferences { got: all.len(), expected: inferences });
        }
        let integers = all.concat().into_iter().map(i32::try_from);
        integers.collect::<Result<_, _>>().map_err(|_| SchemaError::NoCircuit {
            input: input.name.clone(),
            code: input.code.name(),
        })
    }

    fn inference(
        &self,
        Members(members): Members<'_>,
        inference: Option<usize>,
    ) -> Result<Vec<i64>, SchemaError> {
        let place = |field: &str| ValuePlace { field: field.to_owned(), element: None, inference };
        let mut given = BTreeMap::new();
        for (name, value) in &members {
            if given.insert(name.as_str(), *value).is_some() {
                return Err(SchemaError::DoubledField(place(name)));
            }
        }
        let mut integers = Vec::with_capacity(self.len());
        for field in &self.fields {
            let value = given.remove(field.name.as_str());
            let value = value.ok_or_else(|| SchemaError::AbsentField(place(&field.name)))?;
            field.read(value, inference, &mut integers)?;
        }
        match given.keys().next() {
            Some(name) => Err(SchemaError::UnknownField(place(name))),
            None => Ok(integers),
        }
    }
}

impl DataField {
    /// Adds the integers of its elements.
    fn read(
        &self,
        value: &RawValue,
        inference: Option<usize>,
        integers: &mut Vec<i64>,
    ) -> Result<(), SchemaError> {
        let other = |expected: String| {
            let place = ValuePlace { field: self.name.clone(), element: None, inference };
            SchemaError::Count { place, expected }
        };
        let is_array = value.get().starts_with('[');
        let Some(count) = self.count else {
            if is_array {
                return Err(other("a single value".into()));
            }
            integers.push(self.element(value, || self.place(0, inference))?);
            return Ok(());
        };
        let expected = || other(format!("an array of {count} values"));
        if !is_array {
            return Err(expected());
        }
        let values: Vec<&RawValue> = parsed(value.get())?;
        if values.len() != count {
            return Err(expected());
        }
        for (at, value) in values.into_iter().enumerate() {
            integers.push(self.element(value, || self.place(at, inference))?);
        }
        Ok(())
    }

    fn element(
        &self,
        value: &RawValue,
        place: impl Fn() -> ValuePlace,
    ) -> Result<i64, SchemaError> {
        let text = match value.get() {
            "null" => return self.missing.ok_or_else(|| SchemaError::NoValue(place())),
            text if text.starts_with('"') => parsed::<String>(text)?,
            number => number.to_owned(),
        };
        let decimal = Decimal::parse(&text).ok_or_else(|| SchemaError::NoNumber(place()))?;
        self.integer(decimal, place)
    }
}
