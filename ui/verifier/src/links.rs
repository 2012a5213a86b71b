//! The links of a chain from genesis on, however long it is: what is kept of it is one name in so many.

use troupe_chain::Tip;

use crate::answer::{Answer, Refusal, lines, text};

/// One in so many names is kept by the page, to hold what it fetches again to.
const ANCHOR_EVERY: u64 = 256;

/// A chain that is being checked.
#[derive(Default)]
pub(crate) struct Links {
    tip: Option<Tip>,
}

impl Links {
    /// Checks the entries that follow. Answers how many entries are checked, the last one's name, and of each entry that
    /// is the last of a page its seq and name.
    pub(crate) fn take(&mut self, body: &[u8]) -> Answer {
        let mut anchors = Vec::new();
        for line in lines(body) {
            let tip = match &mut self.tip {
                None => self.tip.insert(Tip::check_genesis(line).map_err(wrong)?.0),
                Some(tip) => {
                    tip.check(line).map_err(wrong)?;
                    tip
                }
            };
            if tip.seq % ANCHOR_EVERY == ANCHOR_EVERY - 1 {
                anchors.extend([text(tip.seq), text(tip.entry)]);
            }
        }
        let tip = self.tip.as_ref().ok_or_else(|| Refusal::unknown("there are no entries"))?;
        let mut answer = vec![text(tip.seq + 1), text(tip.entry), text(tip.chain)];
        answer.append(&mut anchors);
        Ok(answer)
    }
}

fn wrong(broken: troupe_chain::Broken) -> Refusal {
    Refusal::Wrong { seq: Some(broken.seq), what: format!("structure: {broken}"), instead: None }
}
