//! An actor that uses everything: it does what it is told to.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use troupe_actor::testing::Harness;
use troupe_actor::{
    About, Actor, Child, Context, EffectId, Json, Reason, Sender, bail, ensure, info, object, warn,
};

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Desk {
    pub(crate) orders: Vec<EffectId>,
    pub(crate) limit: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Told {
    Send(String),
    Order {
        of: String,
        within: u64,
    },
    Wake(Duration),
    Cron(String),
    Cancel(EffectId),
    Hire(#[serde(deserialize_with = "object")] Hire),
    Dismiss(String),
    Leave(String),
    Fail(String),
    Overflow {},
    #[serde(skip)]
    Settled(EffectId, Value),
    #[serde(skip)]
    Noticed(EffectId, About),
}

#[derive(Deserialize)]
pub(crate) struct Hire {
    pub(crate) name: String,
}

#[derive(Serialize, Deserialize)]
struct DeskBefore {
    pending: Vec<EffectId>,
}

impl Actor for Desk {
    type Message = Told;
    type Reply = Option<EffectId>;

    fn init(config: Json<'_>, context: &mut Context) -> Result<Self, Reason> {
        let limit: Option<usize> = config.read()?;
        context.send("log", &"begun");
        Ok(Self { limit: limit.unwrap_or(2), ..Self::default() })
    }

    fn read(message: Json<'_>, context: &Context) -> Result<Told, Reason> {
        match &context.from {
            Sender::Reply { to, .. } => Ok(Told::Settled(*to, message.read()?)),
            Sender::Notice { of, about, .. } => Ok(Told::Noticed(*of, *about)),
            _ => message.read(),
        }
    }

    fn accept(&self, message: &Told, context: &Context) -> Result<(), Reason> {
        warn!("asked by {}", context.from.kind());
        if let Told::Order { within, .. } = message {
            ensure!(*within > 0, "no time for that");
        }
        Ok(())
    }

    fn handle(&mut self, message: Told, context: &mut Context) -> Result<Self::Reply, Reason> {
        Ok(match message {
            Told::Send(to) => {
                context.send(&to, &[1, 2]);
                None
            }
            Told::Order { of, within } => {
                let order = context.request(&of, &"order", Duration::from_millis(within));
                self.orders.push(order);
                Some(order)
            }
            Told::Wake(after) => Some(context.set_timer(after, &"wake")),
            Told::Cron(cron) => Some(context.set_cron(&cron, &"wake")),
            Told::Cancel(timer) => {
                context.cancel(timer);
                None
            }
            Told::Hire(Hire { name }) => {
                Some(context.spawn(Child::new().name(name).config(&self.limit).grant("http:a.example")))
            }
            Told::Dismiss(child) => {
                context.stop(&child);
                None
            }
            Told::Leave(reason) => {
                context.exit(&reason);
                None
            }
            Told::Fail(reason) => {
                context.send("log", &"never sent");
                bail!("{reason}")
            }
            Told::Overflow {} => {
                self.limit = 0;
                None
            }
            Told::Settled(order, receipt) => {
                info!("receipt {receipt}");
                self.end(order)
            }
            Told::Noticed(order, about) => {
                info!("{about:?}");
                self.end(order)
            }
        })
    }

    fn check(&self) -> Result<(), Reason> {
        ensure!(self.orders.len() <= self.limit, "more than {} orders", self.limit);
        ensure!(self.limit > 0, "no limit");
        Ok(())
    }

    fn migrate(old: Json<'_>, _: &mut Context) -> Result<Self, Reason> {
        if let Ok(desk) = old.read() {
            return Ok(desk);
        }
        let DeskBefore { pending } = old.read()?;
        Ok(Self { orders: pending, limit: 9 })
    }
}

impl Desk {
    fn end(&mut self, order: EffectId) -> Option<EffectId> {
        self.orders.retain(|other| *other != order);
        None
    }
}

troupe_actor::export!(Desk);

pub(crate) fn desk() -> Harness<Desk> {
    Harness::new(&()).expect("a desk")
}
