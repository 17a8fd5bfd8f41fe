//! Ids that look like chance and depend on a seed and a counter alone.

/// What makes the ids of one exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    seed: u64,
    serial: u64,
    milliseconds: u64,
}

impl Ids {
    /// For the exchange `serial`, that began `milliseconds` after 1970.
    pub(super) fn new(seed: u64, serial: u64, milliseconds: u64) -> Self {
        Self {
            seed,
            serial,
            milliseconds,
        }
    }

    /// `prefix` and a ULID, another one for each `part`.
    pub(super) fn id(self, prefix: &str, part: u64) -> String {
        format!("{prefix}{}", self.ulid(part))
    }

    /// 26 characters: 48 bits of time, 80 bits of the rest.
    fn ulid(self, part: u64) -> String {
        let high =
            mixed(self.seed ^ mixed(self.serial) ^ mixed(part.wrapping_add(1)).rotate_left(17));
        let low = mixed(high ^ 0x5851_f42d_4c95_7f2d);
        let time = u128::from(self.milliseconds & 0xffff_ffff_ffff) << 80;
        let bits = time | u128::from(high & 0xffff) << 64 | u128::from(low);
        (0..26)
            .rev()
            .map(|place| crockford(bits >> (5 * place)))
            .collect()
    }
}

/// A hash of a text, for what must be told apart and not kept.
pub(super) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        mixed(sum ^ u64::from(byte))
    })
}

fn crockford(bits: u128) -> char {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let place = usize::try_from(bits & 31).unwrap_or_default();
    ALPHABET.get(place).copied().map_or('0', char::from)
}

/// The output function of SplitMix64.
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_have_the_form_of_ulids_and_differ() {
        let mut seen = BTreeSet::new();
        for serial in 0..100 {
            for part in 0..10 {
                let id = Ids::new(7, serial, 1_790_000_000_000).id("req_", part);
                assert_eq!(id.len(), 30);
                assert!(id.starts_with("req_01"), "{id}");
                assert!(seen.insert(id));
            }
        }
        assert_eq!(Ids::new(7, 3, 5).id("x", 0), Ids::new(7, 3, 5).id("x", 0));
    }
}
