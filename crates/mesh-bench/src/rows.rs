//! The table: one file for each kind of work.

mod calls;
mod catalogue;
mod download;
mod encode;
mod events;
mod growth;
mod picture_event;
mod reply;
mod save;
mod stream;
mod uploads;
mod user_build;
mod weight;

use crate::row::Row;

/// All rows, in the order of the table.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(encode::rows());
    rows.extend(reply::rows());
    rows.extend(events::rows());
    rows.push(picture_event::row());
    rows.extend(calls::rows());
    rows.push(stream::row());
    rows.extend(uploads::rows());
    rows.push(download::row());
    rows.push(save::row());
    rows.push(catalogue::row());
    rows.extend(growth::rows());
    rows.push(user_build::row());
    rows.push(weight::row());
    rows
}
