//! What a command that nobody watches says: one line per event, for a supervisor's log.
//!
//! A line has a time, an event and named values; never a key. Text is for people and `grep`, JSON for collectors.

use serde_json::{Map, Value};
use std::time::{SystemTime, UNIX_EPOCH};

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// `time event name=value …`
    Text,
    /// One JSON object a line.
    Json,
}

/// Prints lines on standard error.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    form: Form,
    is_on: bool,
}

impl Log {
    /// A log that prints, or one that does not.
    pub fn new(form: Form, is_on: bool) -> Self {
        Self { form, is_on }
    }

    /// Prints a line. `values` is an object; what is null in it is left out.
    pub fn event(&self, name: &str, values: Value) {
        if self.is_on {
            eprintln!("{}", line(self.form, &time(SystemTime::now()), name, values));
        }
    }
}

fn line(form: Form, time: &str, name: &str, values: Value) -> String {
    let Value::Object(values) = values else { panic!("values have names") };
    let values = values.into_iter().filter(|(_, value)| !value.is_null());
    if form == Form::Json {
        let mut fields = Map::new();
        fields.insert("time".into(), time.into());
        fields.insert("event".into(), name.into());
        fields.extend(values);
        return Value::Object(fields).to_string();
    }
    let mut line = format!("{time} {name}");
    for (key, value) in values {
        let text = match value {
            // Quoted where it would look like several values, or end the line.
            Value::String(text) if !text.contains(|c: char| c.is_whitespace() || c == '"') => text,
            other => other.to_string(),
        };
        line += &format!(" {key}={text}");
    }
    line
}

/// `2026-01-31T23:59:59Z`.
fn time(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March of the year 0: leap days come last, and eras of 400 years are alike.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (era * 400 + year_of_era, if month < 10 { month + 3 } else { month - 9 });
    let year = if month <= 2 { year + 1 } else { year };
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn lines_hold_what_happened_and_stay_lines() {
        let values =
            || json!({"request": "3", "reason": "two\nlines \"said\"", "block": 7, "none": null});
        assert_eq!(
            line(Form::Text, "T", "skipped", values()),
            "T skipped block=7 reason=\"two\\nlines \\\"said\\\"\" request=3"
        );
        let text = line(Form::Json, "T", "skipped", values());
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            document,
            json!({
                "time": "T", "event": "skipped", "request": "3", "reason": "two\nlines \"said\"", "block": 7
            })
        );
        assert!(!text.contains('\n'));
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
        ] {
            assert_eq!(time(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }
}
