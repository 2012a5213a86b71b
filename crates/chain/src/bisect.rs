//! Where two histories begin to differ.

/// The first position that differs, by halving, of two histories that are the same at `same` and differ at `different`. Each
/// entry names the one before, so they differ from the first difference on.
///
/// # Errors
/// The first error of `differ`.
pub fn first_difference<E>(
    mut same: u64,
    mut different: u64,
    mut differ: impl FnMut(u64) -> Result<bool, E>,
) -> Result<u64, E> {
    while different.saturating_sub(same) > 1 {
        let middle = same + (different - same) / 2;
        if differ(middle)? {
            different = middle;
        } else {
            same = middle;
        }
    }
    Ok(different)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_entries_take_twenty_steps() {
        for first in [1, 2, 499_999, 500_000, 500_001, 999_998, 999_999] {
            let mut steps = 0;
            let found = first_difference(0, 999_999, |seq| {
                steps += 1;
                Ok::<_, ()>(seq >= first)
            });
            assert_eq!(found, Ok(first));
            assert!(steps <= 20, "{steps} steps to {first}");
        }
    }
}
