//! The plot in the documents is the plot of what the code does.

#[test]
fn the_plot_in_the_documents_is_up_to_date() {
    assert!(
        mesh_simulation::plot::retries() == include_str!("../../../docs/retries.svg"),
        "write it again: cargo run --release -p mesh-simulation -- --plot docs/retries.svg"
    );
}
