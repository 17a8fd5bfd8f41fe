#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mesh_fuzz::properties::hold("model_list", data));
