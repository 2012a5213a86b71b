//! What an actor takes, as JSON Schemas. They are shown to people and decide nothing.

/// The schemas of an actor, any of which may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    message: Option<String>,
    state: Option<String>,
    config: Option<String>,
    reply: Option<String>,
}

impl Description {
    /// The schema of messages: JSON.
    #[must_use]
    pub fn message(mut self, schema: impl Into<String>) -> Self {
        self.message = Some(schema.into());
        self
    }

    /// The schema of states: JSON.
    #[must_use]
    pub fn state(mut self, schema: impl Into<String>) -> Self {
        self.state = Some(schema.into());
        self
    }

    /// The schema of configurations: JSON.
    #[must_use]
    pub fn config(mut self, schema: impl Into<String>) -> Self {
        self.config = Some(schema.into());
        self
    }

    /// The schema of replies: JSON.
    #[must_use]
    pub fn reply(mut self, schema: impl Into<String>) -> Self {
        self.reply = Some(schema.into());
        self
    }

    /// The schemas of messages, states and replies that `schemars` derives.
    #[cfg(feature = "schema")]
    pub fn of<A>() -> Self
    where
        A: crate::Actor + schemars::JsonSchema,
        A::Message: schemars::JsonSchema,
        A::Reply: schemars::JsonSchema,
    {
        Self::default().message(schema::<A::Message>()).state(schema::<A>()).reply(schema::<A::Reply>())
    }

    /// The schema of configurations of this type.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn config_of<C: schemars::JsonSchema>(self) -> Self {
        self.config(schema::<C>())
    }

    /// One JSON object of them.
    pub fn to_json(&self) -> String {
        let Self { message, state, config, reply } = self;
        let mut json = String::from("{");
        for (name, schema) in [("message", message), ("state", state), ("config", config), ("reply", reply)] {
            if let Some(schema) = schema {
                let comma = if json.len() > 1 { "," } else { "" };
                json.push_str(comma);
                json.push('"');
                json.push_str(name);
                json.push_str("\":");
                json.push_str(schema);
            }
        }
        json.push('}');
        json
    }
}

#[cfg(feature = "schema")]
fn schema<T: schemars::JsonSchema>() -> String {
    schemars::schema_for!(T).as_value().to_string()
}
