//! `GET /v1/models/search` ([protocol reference, section 9](mesh_proto::protocol#9-models-catalogue)).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use mesh_proto::error::ErrorCode;
use serde_json::{Value, json};

use super::errors::Refused;
use super::models::{CATALOGUE, Medium, Model, Price};
use super::query;
use super::switches::Pricing;

/// How many models a page has where the query does not say, and at most.
const USUAL_LIMIT: usize = 50;
const MOST: usize = 500;

/// The page that a query asks for: 400 `invalid_search_parameter` where it asks for nothing that
/// there is. Of several modalities a model has all, of several brands it has one.
pub(super) fn page(query: &str, pricing: Pricing) -> Result<Value, Refused> {
    let search = Search::read(query)?;
    let mut found: Vec<&Model> = CATALOGUE.iter().filter(|it| search.finds(it)).collect();
    if let Some(sort) = search.sort {
        found.sort_by(|one, other| search.order.apply(sort, one, other));
    }
    let items: Vec<Value> = found
        .iter()
        .skip(search.offset)
        .take(search.limit)
        .map(|model| model.row(pricing))
        .collect();
    let brands: BTreeSet<&str> = found.iter().map(|it| it.brand).collect();
    Ok(json!({
        "items": items,
        "total": found.len(),
        "limit": search.limit,
        "offset": search.offset,
        "brands": brands,
        "facets": facets(&found),
    }))
}

/// How many of the found models have what could be searched for.
fn facets(found: &[&Model]) -> Value {
    let count = |has: &dyn Fn(&Model) -> bool| found.iter().filter(|it| has(it)).count();
    let by_medium = |media: &dyn Fn(&Model) -> &'static [Medium]| {
        let counts = Medium::ALL.map(|medium| {
            let count = count(&|model| media(model).contains(&medium));
            (medium.name(), count)
        });
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        counts.collect::<BTreeMap<_, _>>()
    };
    let mut brands: BTreeMap<&str, usize> = BTreeMap::new();
    for model in found {
        *brands.entry(model.brand).or_default() += 1;
    }
    json!({
        "input_modality": by_medium(&Model::inputs),
        "output_modality": by_medium(&|model| model.gives),
        "brand": brands,
        "free": count(&Model::is_free),
        "discounted": count(&|model| model.discount > 0),
    })
}

struct Search {
    words: Vec<String>,
    free: Option<bool>,
    discounted: Option<bool>,
    takes: Vec<Medium>,
    gives: Vec<Medium>,
    brands: Vec<String>,
    sort: Option<Sort>,
    order: Order,
    limit: usize,
    offset: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Brand,
    Name,
    Id,
    ContextLength,
    /// Of this output.
    Price(Medium),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

impl Search {
    fn read(query: &str) -> Result<Self, Refused> {
        let mut search = Self {
            words: Vec::new(),
            free: None,
            discounted: None,
            takes: Vec::new(),
            gives: Vec::new(),
            brands: Vec::new(),
            sort: None,
            order: Order::Ascending,
            limit: USUAL_LIMIT,
            offset: 0,
        };
        let mut sort = None;
        for (name, value) in query::pairs(query) {
            let value = value.trim();
            match name.as_str() {
                "q" => {
                    search.words = value
                        .to_lowercase()
                        .split_whitespace()
                        .map(str::to_owned)
                        .collect();
                }
                "free" => search.free = Some(read(&name, value, query::boolean)?),
                "discounted" => search.discounted = Some(read(&name, value, query::boolean)?),
                "input_modality" => search.takes.push(read(&name, value, Medium::named)?),
                "output_modality" => search.gives.push(read(&name, value, Medium::named)?),
                "brand" => search.brands.push(value.to_lowercase()),
                "sort" => sort = Some(value.to_owned()),
                "order" => search.order = read(&name, value, Order::named)?,
                "limit" => {
                    let limit = read(&name, value, |it| it.parse().ok().filter(|it| *it > 0))?;
                    search.limit = MOST.min(limit);
                }
                "offset" => search.offset = read(&name, value, |it| it.parse().ok())?,
                _ => {}
            }
        }
        if let Some(sort) = sort {
            search.sort = Some(search.sorting(&sort)?);
        }
        Ok(search)
    }

    fn sorting(&self, name: &str) -> Result<Sort, Refused> {
        Ok(match name {
            "brand" => Sort::Brand,
            "name" => Sort::Name,
            "id" => Sort::Id,
            "context_length" => Sort::ContextLength,
            "price" => match self.gives.as_slice() {
                [medium @ (Medium::Text | Medium::Image | Medium::Video)] => Sort::Price(*medium),
                _ => {
                    return Err(Refused::because(
                        ErrorCode::InvalidSearchParameter,
                        "sort=price needs exactly one output_modality: text, image or video.",
                    ));
                }
            },
            _ => return Err(invalid("sort", name)),
        })
    }

    fn finds(&self, model: &Model) -> bool {
        let text = format!("{} {} {}", model.id, model.name, model.brand).to_lowercase();
        self.words.iter().all(|word| text.contains(word))
            && self.free.is_none_or(|free| free == model.is_free())
            && self.discounted.is_none_or(|it| it == (model.discount > 0))
            && self.takes.iter().all(|it| model.inputs().contains(it))
            && self.gives.iter().all(|it| model.gives.contains(it))
            && (self.brands.is_empty() || self.brands.iter().any(|it| it == model.brand))
    }
}

impl Order {
    fn named(name: &str) -> Option<Self> {
        match name {
            "asc" => Some(Self::Ascending),
            "desc" => Some(Self::Descending),
            _ => None,
        }
    }

    /// What is not known comes last either way; what is alike is in the order of the ids.
    fn apply(self, sort: Sort, one: &Model, other: &Model) -> Ordering {
        let known = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => self.turn(one.cmp(&other)),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        let order = match sort {
            Sort::Brand => self.turn(one.brand.cmp(other.brand)),
            Sort::Name => self.turn(one.name.cmp(other.name)),
            Sort::Id => self.turn(one.id.cmp(other.id)),
            Sort::ContextLength => known(one.context, other.context),
            Sort::Price(medium) => known(price(one, medium), price(other, medium)),
        };
        order.then(one.id.cmp(other.id))
    }

    fn turn(self, order: Ordering) -> Ordering {
        match self {
            Self::Ascending => order,
            Self::Descending => order.reverse(),
        }
    }
}

/// The price of an output in micro-dollars per unit, where it has a price of its own.
fn price(model: &Model, medium: Medium) -> Option<u64> {
    match (medium, model.price) {
        (Medium::Text, Price::Tokens(_, price))
        | (Medium::Image, Price::Picture(price))
        | (Medium::Video, Price::Second(price)) => Some(price),
        (_, Price::Free) => Some(0),
        _ => None,
    }
}

fn read<T>(name: &str, value: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Refused> {
    read(value).ok_or_else(|| invalid(name, value))
}

fn invalid(name: &str, value: &str) -> Refused {
    let short: String = value.chars().take(60).collect();
    let message = format!("The search parameter {name} cannot be '{short}'.");
    Refused::because(ErrorCode::InvalidSearchParameter, message)
}
