//! What a call would cost by the catalogue.

use std::fmt;

use crate::models::{Model, Pricing};
use crate::usd::Usd;

/// What a call that succeeds would cost by the catalogue's prices, which may be out of date: between
/// `least` and `most`, of which either may be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// Not less than this, as far as that is known.
    pub least: Option<Usd>,
    /// Not more than this, as far as that is known.
    pub most: Option<Usd>,
    /// What it rests on, for people.
    pub basis: String,
}

impl Cost {
    /// The amount, where it is known to be exactly one.
    pub fn exact(&self) -> Option<&Usd> {
        self.least.as_ref().filter(|_| self.least == self.most)
    }

    /// The cost of a call to `model`, if a bound of it is known. A discount takes the lower one away:
    /// whether the catalogue's prices are before or after it is not documented.
    pub(super) fn between(
        model: &Model,
        least: Option<Usd>,
        most: Option<Usd>,
        mut basis: String,
    ) -> Option<Self> {
        let discounted = model.discount_pct().is_some_and(|percent| percent > 0.0);
        if discounted {
            basis.push_str("; there is a discount, which may be in the price already");
        }
        let least = least.filter(|_| !discounted);
        (least.is_some() || most.is_some()).then_some(Self { least, most, basis })
    }

    pub(super) fn nothing() -> Self {
        Self {
            least: Some(Usd::zero()),
            most: Some(Usd::zero()),
            basis: "the catalogue says that the model is free".to_owned(),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.least, &self.most) {
            (Some(least), Some(most)) if least == most => write!(f, "{least} USD")?,
            (Some(least), Some(most)) => write!(f, "{least} to {most} USD")?,
            (Some(least), None) => write!(f, "at least {least} USD")?,
            (None, Some(most)) => write!(f, "at most {most} USD")?,
            (None, None) => f.write_str("unknown")?,
        }
        write!(f, " ({})", self.basis)
    }
}

/// What is known of a model's prices. A price of 0 counts only where the model is said to be free:
/// the catalogue has been seen to hold zeros where it knew nothing.
pub(super) enum Prices<'m> {
    Free,
    Listed(Listed<'m>),
}

impl<'m> Prices<'m> {
    /// None where there is no price, or where prices contradict what is said of the model.
    pub(super) fn of(model: &'m Model) -> Option<Self> {
        let listed = model.pricing.as_ref().map(Listed);
        let is_priced = listed.as_ref().is_some_and(Listed::has_any);
        match (model.is_free, listed) {
            (Some(true), _) => (!is_priced).then_some(Self::Free),
            (_, Some(listed)) if is_priced => Some(Self::Listed(listed)),
            _ => None,
        }
    }
}

/// A price list, without its zeros.
pub(super) struct Listed<'m>(pub(super) &'m Pricing);

impl Listed<'_> {
    fn has_any(&self) -> bool {
        let prices = [
            self.input_per_million(),
            self.output_per_million(),
            self.output_per_image(),
            self.input_per_image(),
            self.per_request(),
            self.0.output_usd_per_unit.clone().filter(above_zero),
        ];
        prices.iter().any(Option::is_some)
    }

    pub(super) fn input_per_million(&self) -> Option<Usd> {
        self.0.input_per_million().filter(above_zero)
    }

    pub(super) fn output_per_million(&self) -> Option<Usd> {
        self.0.output_per_million().filter(above_zero)
    }

    pub(super) fn output_per_image(&self) -> Option<Usd> {
        self.0.output_per_image().filter(above_zero)
    }

    pub(super) fn input_per_image(&self) -> Option<Usd> {
        self.0.input_per_image().filter(above_zero)
    }

    pub(super) fn per_request(&self) -> Option<Usd> {
        self.0.request_usd.clone().filter(above_zero)
    }

    /// The most that a text can cost to read: a token is at least a byte of it, and each message
    /// has a few around it.
    pub(super) fn most_for_text(&self, bytes: u64, messages: u64) -> Option<Usd> {
        let tokens = bytes
            .saturating_add(messages.saturating_mul(TOKENS_AROUND_A_MESSAGE))
            .saturating_add(TOKENS_AROUND_A_MESSAGE);
        Some((self.input_per_million()? * tokens).divided_by_ten_to(6))
    }
}

/// What chat templates put around a message, rounded up generously.
const TOKENS_AROUND_A_MESSAGE: u64 = 32;

fn above_zero(price: &Usd) -> bool {
    !price.is_zero()
}
