//! Trust: direct rules first, inheritance only ever lower, and no rule means no.

use troupe_commons::trust::{Context, Level, level};
use troupe_commons::{Act, State};

use crate::cooperative::{Cooperative, person};

fn of(state: &State, context: Context) -> Level {
    level(state, context, person(1).id, person(2).id)
}

#[test]
fn no_rule_means_no() {
    let coop = Cooperative::new(2, &[]);
    assert_eq!(of(&coop.state, Context::General), Level::None);
    assert_eq!(of(&coop.state, Context::Infrastructure), Level::None);
}

#[test]
fn a_context_inherits_a_step_less_from_the_general_one() {
    let mut coop = Cooperative::new(2, &[]);
    let say = |context, level| Act::Trust { context, level, to: person(2).id };
    for (general, inherited) in
        [(Level::Full, Level::Partial), (Level::Partial, Level::Basic), (Level::Basic, Level::None)]
    {
        coop.act(&person(1), say(Context::General, general)).unwrap();
        assert_eq!(of(&coop.state, Context::DataSharing), inherited);
    }
    coop.act(&person(1), say(Context::General, Level::Full)).unwrap();
    coop.act(&person(1), say(Context::DataSharing, Level::None)).unwrap();
    assert_eq!(of(&coop.state, Context::DataSharing), Level::None, "a direct no is a no");
}

#[test]
fn trust_goes_one_way() {
    let mut coop = Cooperative::new(2, &[]);
    let say = Act::Trust { context: Context::General, level: Level::Full, to: person(2).id };
    coop.act(&person(1), say).unwrap();
    assert_eq!(level(&coop.state, Context::General, person(2).id, person(1).id), Level::None);
}
