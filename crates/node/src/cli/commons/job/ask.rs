//! What the submitter of a job says about it afterwards.

use troupe_commons::{Act, Id};

use crate::cli::commons::act::ActArgs;
use crate::cli::failure::Done;
use crate::cli::screen::{Screen, short};

/// Take back a job that was not awarded; what was held comes back
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe job cancel JOB --as ada")]
pub(super) struct Cancel {
    /// The job's id
    job: Id,
    #[command(flatten)]
    act: ActArgs,
}

/// Be content with a receipt, so that it is paid at once
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe job accept JOB --as ada")]
pub(super) struct Accept {
    /// The job's id
    job: Id,
    #[command(flatten)]
    act: ActArgs,
}

/// Object to a receipt: governance rules on it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  troupe job dispute JOB --as ada")]
pub(super) struct Dispute {
    /// The job's id
    job: Id,
    #[command(flatten)]
    act: ActArgs,
}

pub(super) fn cancel(screen: &Screen, Cancel { job, act }: &Cancel) -> Done {
    act.open()?.act_and_say(
        screen,
        &Act::Cancel { job: *job },
        format_args!("job {} is cancelled", short(job)),
    )
}

pub(super) fn accept(screen: &Screen, Accept { job, act }: &Accept) -> Done {
    act.open()?.act_and_say(screen, &Act::Accept { job: *job }, format_args!("job {} is settled", short(job)))
}

pub(super) fn dispute(screen: &Screen, Dispute { job, act }: &Dispute) -> Done {
    act.open()?.act_and_say(
        screen,
        &Act::Dispute { job: *job },
        format_args!("job {} is disputed", short(job)),
    )
}
