//! The catalogue of models: what each takes and gives, can do and costs ([protocol reference,
//! section 9](crate::protocol#9-models-catalogue)).

mod feature;
mod list;
mod model;
mod page;
mod pages;
mod pricing;
mod route;
mod search;

pub use self::feature::{Capability, Feature};
pub use self::list::ModelList;
pub use self::model::Model;
pub use self::page::ModelPage;
pub use self::pages::Pages;
pub use self::pricing::{Pricing, PricingUnit};
pub use self::route::ImageRoute;
pub use self::search::{SearchModels, SearchOrder, SearchSort};
pub use crate::row::OddRow;
