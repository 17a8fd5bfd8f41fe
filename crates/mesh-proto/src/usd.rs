//! Amounts of money.

use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul};
use std::str::FromStr;

use serde_core::de::{self, Deserialize, Deserializer, Visitor};
use serde_core::ser::{Serialize, Serializer};

/// An amount in US dollars, at least 0: a decimal as text, and exact in all that is done with it.
///
/// It is kept in its plainest form, without exponent and superfluous zeros, so that equal amounts
/// are equal texts. What the catalogue does not know (`null`, `"None"`, an empty text) is no amount,
/// and certainly not zero: such fields are an `Option` that is `None`.
///
/// ```
/// use mesh_proto::Usd;
///
/// let per_million: Usd = "2.50".parse()?;
/// let cost = (per_million * 1_234).divided_by_ten_to(6);
/// assert_eq!(cost.as_str(), "0.003085");
/// assert_eq!("0E-10".parse::<Usd>()?, Usd::zero());
/// assert!("None".parse::<Usd>().is_err());
/// # Ok::<(), mesh_proto::InvalidUsd>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Usd(String);

/// How many digits an amount may be read with on either side of its point: more than any price has,
/// and few enough that an exponent cannot fill the memory.
const MOST_DIGITS: usize = 64;

impl Usd {
    /// Nothing at all, where that is known.
    pub fn zero() -> Self {
        Self("0".to_owned())
    }

    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        self.0 == "0"
    }

    /// The amount as plain decimal text, such as `0.0025`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The amount with its point `places` to the left: the price of one, from that of a million,
    /// with 6.
    pub fn divided_by_ten_to(&self, places: u8) -> Self {
        let (whole, fraction) = self.parts();
        let places = usize::from(places);
        let padded = format!("{whole:0>width$}", width = places + 1);
        let (whole, moved) = padded
            .split_at_checked(padded.len() - places)
            .unwrap_or((&padded, ""));
        Self::of(whole, &format!("{moved}{fraction}"))
    }

    /// The amount with its point `places` to the right.
    pub fn times_ten_to(&self, places: u8) -> Self {
        let (whole, fraction) = self.parts();
        let places = usize::from(places);
        let padded = format!("{fraction:0<places$}");
        let (moved, fraction) = padded.split_at_checked(places).unwrap_or((&padded, ""));
        Self::of(&format!("{whole}{moved}"), fraction)
    }

    /// The digits before and after the point.
    fn parts(&self) -> (&str, &str) {
        self.0.split_once('.').unwrap_or((&self.0, ""))
    }

    /// The amount of these digits before and after the point.
    fn of(whole: &str, fraction: &str) -> Self {
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        match fraction.trim_end_matches('0') {
            "" => Self(whole.to_owned()),
            fraction => Self(format!("{whole}.{fraction}")),
        }
    }

    /// All digits, least first, with the fraction filled up to `scale` of them.
    fn digits(&self, scale: usize) -> impl Iterator<Item = u8> + '_ {
        let (whole, fraction) = self.parts();
        let filling = scale.saturating_sub(fraction.len());
        std::iter::repeat_n(0, filling).chain(
            fraction
                .bytes()
                .rev()
                .chain(whole.bytes().rev())
                .map(|digit| digit.wrapping_sub(b'0')),
        )
    }

    fn scale(&self) -> usize {
        self.parts().1.len()
    }

    /// The amount of these digits, least first, the first `scale` of them after the point.
    fn from_digits(digits: &[u8], scale: usize) -> Self {
        let text: String = digits
            .iter()
            .rev()
            .map(|digit| char::from(b'0' + digit))
            .collect();
        let (whole, fraction) = text
            .split_at_checked(text.len().saturating_sub(scale))
            .unwrap_or((&text, ""));
        Self::of(whole, fraction)
    }
}

/// A text that is no amount in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUsd;

impl fmt::Display for InvalidUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a decimal number of at least 0, with at most 64 digits on either side of its point")
    }
}

impl std::error::Error for InvalidUsd {}

/// Reads a decimal number with or without an exponent: `2.50`, `.5`, `0E-10`.
///
/// Errors on anything else, on amounts below 0, and where there are more than 64 digits on either
/// side of the point.
impl FromStr for Usd {
    type Err = InvalidUsd;

    fn from_str(text: &str) -> Result<Self, InvalidUsd> {
        let text = text.trim();
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => (Sign::Minus, rest),
            None => (Sign::Plus, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !are_digits(whole) || !are_digits(fraction) {
            return Err(InvalidUsd);
        }
        let exponent = exponent.map_or(Ok(0), read_exponent)?;
        let plain = Self::of(whole, fraction);
        if plain.is_zero() {
            return Ok(plain);
        }
        if sign == Sign::Minus {
            return Err(InvalidUsd);
        }
        let fits = |amount: &Self| {
            let (whole, fraction) = amount.parts();
            whole.len() <= MOST_DIGITS && fraction.len() <= MOST_DIGITS
        };
        let places = u8::try_from(exponent.unsigned_abs()).map_err(|_| InvalidUsd)?;
        let moved = if exponent < 0 {
            plain.divided_by_ten_to(places)
        } else {
            plain.times_ten_to(places)
        };
        if fits(&moved) {
            Ok(moved)
        } else {
            Err(InvalidUsd)
        }
    }
}

#[derive(PartialEq)]
enum Sign {
    Plus,
    Minus,
}

/// An exponent; one that is out of all bounds is an enormous one, for zero may have it.
fn read_exponent(text: &str) -> Result<i32, InvalidUsd> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidUsd);
    }
    Ok(text.parse().unwrap_or(i32::MAX))
}

impl Ord for Usd {
    fn cmp(&self, other: &Self) -> Ordering {
        let (whole, fraction) = self.parts();
        let (other_whole, other_fraction) = other.parts();
        whole
            .len()
            .cmp(&other_whole.len())
            .then_with(|| whole.cmp(other_whole))
            .then_with(|| fraction.cmp(other_fraction))
    }
}

impl PartialOrd for Usd {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let scale = self.scale().max(other.scale());
        let (mut one, mut other) = (self.digits(scale), other.digits(scale));
        let mut sum = Vec::new();
        let mut carry = 0;
        loop {
            let (digit, more) = (one.next(), other.next());
            if digit.is_none() && more.is_none() && carry == 0 {
                return Self::from_digits(&sum, scale);
            }
            let total = digit.unwrap_or_default() + more.unwrap_or_default() + carry;
            sum.push(total % 10);
            carry = total / 10;
        }
    }
}

/// So many times the amount.
impl Mul<u64> for Usd {
    type Output = Self;

    fn mul(self, count: u64) -> Self {
        let scale = self.scale();
        let mut product = Vec::new();
        let mut carry = 0;
        let mut take = |total: u128| {
            product.push(u8::try_from(total % 10).unwrap_or_default());
            total / 10
        };
        for digit in self.digits(scale) {
            carry = take(u128::from(digit) * u128::from(count) + carry);
        }
        while carry > 0 {
            carry = take(carry);
        }
        Self::from_digits(&product, scale)
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::zero(), Add::add)
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Usd({})", self.0)
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Reads a text, or a number. Of a number with more than 15 digits the JSON parser may have rounded
/// the last before it comes here; the gateway writes amounts as text for that reason.
impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Amount;

        impl Visitor<'_> for Amount {
            type Value = Usd;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in dollars")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Usd, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Usd, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Usd, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Usd, E> {
                // The shortest text that is this number, which is the one that was written.
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(Amount)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_have_one_form() {
        for (text, plain) in [
            ("0E-10", "0"),
            ("0E-8", "0"),
            ("-0.00", "0"),
            ("0e999999999999", "0"),
            ("0.0000", "0"),
            ("2.50", "2.5"),
            ("007", "7"),
            (" +1.0 ", "1"),
            (".5", "0.5"),
            ("5.", "5"),
            ("2.5e-6", "0.0000025"),
            ("1E+3", "1000"),
            ("12.345E2", "1234.5"),
            ("12.345E1", "123.45"),
        ] {
            assert_eq!(usd(text).as_str(), plain, "{text}");
        }
        for text in [
            "",
            ".",
            "None",
            "null",
            "NaN",
            "inf",
            "-1",
            "-0.01",
            "1,5",
            "$1",
            "1e",
            "1e+",
            "e5",
            "1.2.3",
            "1e1.5",
            "0x1",
            "1_000",
            "１",
            "1e-65",
            "1e65",
            "1e-300",
            "1e99999999999",
        ] {
            assert_eq!(text.parse::<Usd>(), Err(InvalidUsd), "{text}");
        }
    }

    #[test]
    fn json_texts_and_numbers_are_amounts_and_come_back_as_texts() {
        for (value, plain) in [
            (json!("0.000150"), "0.00015"),
            (json!(3), "3"),
            (json!(0.1), "0.1"),
            (json!(2.5e-7), "0.00000025"),
            (json!(123_456.789), "123456.789"),
        ] {
            let amount: Usd = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&amount).unwrap(), plain, "{value}");
            assert_eq!(
                serde_json::from_str::<Usd>(&value.to_string()).unwrap(),
                amount
            );
        }
        for value in [
            json!(null),
            json!("None"),
            json!(true),
            json!([1]),
            json!(-1),
            json!(-0.5),
        ] {
            assert!(serde_json::from_value::<Usd>(value).is_err());
        }
        assert_eq!(
            serde_json::from_value::<Option<Usd>>(Value::Null).unwrap(),
            None
        );
    }

    /// An amount of `digits` × 10⁻ˢᶜᵃˡᵉ.
    fn amount(digits: u128, scale: u8) -> Usd {
        usd(&format!("{digits}E-{scale}"))
    }

    const SCALES: std::ops::Range<u8> = 0..16;

    proptest! {
        // Sums and products of big integers stand for those of the amounts.

        #[test]
        fn sums_are_exact(one in any::<u64>(), other in any::<u64>(), scale in SCALES, more in SCALES) {
            let whole = u128::from(one) * 10_u128.pow(u32::from(more)) + u128::from(other);
            let sum = amount(one.into(), scale) + amount(other.into(), scale + more);
            prop_assert_eq!(&sum, &amount(whole, scale + more));
            prop_assert_eq!(sum, [amount(other.into(), scale + more), amount(one.into(), scale)].into_iter().sum());
        }

        #[test]
        fn products_are_exact(digits in any::<u64>(), count in any::<u64>(), scale in SCALES) {
            let product = u128::from(digits) * u128::from(count);
            prop_assert_eq!(amount(digits.into(), scale) * count, amount(product, scale));
        }

        #[test]
        fn the_point_moves_back_and_forth(digits in any::<u64>(), scale in SCALES, places in SCALES) {
            let one = amount(digits.into(), scale);
            prop_assert_eq!(one.divided_by_ten_to(places), amount(digits.into(), scale + places));
            prop_assert_eq!(one.divided_by_ten_to(places).times_ten_to(places), one);
        }

        #[test]
        fn order_is_that_of_the_numbers(one in 0_u64..5_000, other in any::<u32>(), scale in SCALES, more in SCALES) {
            let whole = u128::from(one) * 10_u128.pow(u32::from(more));
            prop_assert_eq!(
                amount(one.into(), scale).cmp(&amount(other.into(), scale + more)),
                whole.cmp(&u128::from(other))
            );
        }

        #[test]
        fn what_is_read_is_written_and_read_again(text in "[-+ ]?[0-9]{0,70}\\.?[0-9]{0,70}([eE][-+]?[0-9]{1,4})?|\\PC{0,12}") {
            if let Ok(amount) = text.parse::<Usd>() {
                prop_assert_eq!(amount.as_str().parse::<Usd>(), Ok(amount.clone()));
                prop_assert!(amount.as_str().len() <= 2 * MOST_DIGITS + 1);
                prop_assert!(!amount.as_str().ends_with('.') && !amount.as_str().starts_with('.'));
            }
        }
    }
}
