//! The gateway's own catalogue of its error codes ([protocol reference, section 7](crate::protocol#7-errors)).

use serde_json::Value;

use crate::error::ErrorCode;
use crate::row::OddRow;
use crate::row::{Field, row};

row! {
    /// An error code as the gateway describes it. The shape of these rows is not documented: every
    /// field but the code may be missing, and `extra` keeps what has another name.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ErrorCodeRow [
        /// The code.
        code: ErrorCode
    ] {
        /// The statuses that it comes with.
        statuses: Vec<u16> = "status" | "http_status" | "status_code" | "statuses" | "http_statuses",
        /// What it means, for people.
        description: Option<String> = "description" | "message" | "meaning" | "summary" | "title",
        /// Whether a repeat may help.
        retryable: Option<bool> = "retryable" | "retry" | "is_retryable",
    }
}

/// Statuses: one or several, as numbers or texts.
impl Field for Vec<u16> {
    fn read(value: &Value) -> Option<Self> {
        let status = |value: &Value| {
            let number = match value {
                Value::String(text) => text.trim().parse().ok()?,
                value => u16::try_from(value.as_u64()?).ok()?,
            };
            (100..1000).contains(&number).then_some(number)
        };
        match value {
            Value::Array(several) => several.iter().map(status).collect(),
            one => Some(vec![status(one)?]),
        }
    }

    fn write(&self) -> Option<Value> {
        match self.as_slice() {
            [] => None,
            [one] => Some(Value::from(*one)),
            several => Some(several.iter().copied().collect()),
        }
    }
}

/// The error codes, and the rows that are none.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ErrorCodeList {
    /// The codes, in the gateway's order.
    pub codes: Vec<ErrorCodeRow>,
    /// Rows that could not be read.
    pub odd: Vec<OddRow>,
}

impl ErrorCodeList {
    /// What the gateway says of this code.
    pub fn get(&self, code: &ErrorCode) -> Option<&ErrorCodeRow> {
        self.codes.iter().find(|row| row.code == *code)
    }
}
