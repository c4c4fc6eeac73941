//! `[people]` from the templates of a connector.

use super::{
    Fate, Importer, Invocation,
    connectors::Connector,
    texts::{filter_condition, upper, with_default},
    tree::Entry,
    writer::{Writer, list, quoted},
};

impl Importer<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn people(
        &mut self,
        out: &mut Writer,
        connector: Option<&Connector>,
        kind: Option<&str>,
        country: Option<&Entry>,
        update: &[String],
        run: &Invocation,
        is_hooked: bool,
    ) {
        out.table("[people]");
        let standard = Connector::default();
        let connector = connector.unwrap_or(&standard);
        let kind = connector.kind_of_account.as_deref().or(kind).unwrap_or("enterpriseID");
        let kind_template = match &connector.kind_template {
            Some(_) if is_hooked => Some("{type}".to_owned()),
            other => other.clone(),
        };
        match kind_template {
            None => out.set("type", &quoted(kind), ""),
            Some(template) => match with_default(&template, kind) {
                Some(template) => out.set("type", &quoted(&template), &format!("{kind} where there is no value")),
                None => out.set(
                    "type",
                    &quoted(&template),
                    &format!("user-sync: {kind} where there is no value; now they are left out"),
                ),
            },
        }
        let fields = [
            ("email", &connector.email),
            ("username", &connector.username),
            ("domain", &connector.domain),
            ("firstname", &connector.first_name),
            ("lastname", &connector.last_name),
        ];
        for (field, template) in fields {
            match template {
                Some(_) if is_hooked => out.set(field, &quoted(&format!("{{{field}}}")), "as the hook gives it"),
                Some(template) => out.set(field, &quoted(template), ""),
                None => {}
            }
        }
        let template = if is_hooked {
            "{country}".to_owned()
        } else {
            connector.country.clone().unwrap_or_else(|| "{c}".to_owned())
        };
        let default = country.and_then(Entry::text).map(str::to_uppercase);
        match default {
            None => out.set("country", &quoted(&upper(&template)), ""),
            Some(default) if crate::config::is_country(&default) => match with_default(&upper(&template), &default) {
                Some(with) => {
                    out.set("country", &quoted(&with), &format!("user-sync: default_country_code: {default}"))
                }
                None => {
                    out.set("country", &quoted(&template), "");
                    if let Some(entry) = country {
                        self.note(entry, Fate::Missing, "the country is made of several attributes, and only one can have a default: {c|upper|or:US}");
                    }
                }
            },
            Some(_) => {
                out.set("country", &quoted(&upper(&template)), "");
                if let Some(entry) = country {
                    self.note(entry, Fate::Missing, "it is not a country of ISO 3166-1 (in user-sync, NO without quotes meant No): add |or:NO to `country`");
                }
            }
        }
        if !update.is_empty() {
            out.set("update", &list(update), "");
        }
        let mut conditions: Vec<String> = connector.skip.iter().cloned().collect();
        if let Some(entry) = &run.filter {
            match filter_condition(entry.text().unwrap_or_default(), connector, is_hooked) {
                Some(condition) => {
                    conditions.push(condition);
                    self.note(
                        entry,
                        Fate::Changed,
                        "it became `skip` in [people]: people who are left out are not leavers any more",
                    );
                }
                None => self.note(
                    entry,
                    Fate::Missing,
                    "it cannot be written as a condition in CEL by itself; write `skip` in [people]",
                ),
            }
        }
        if !conditions.is_empty() {
            out.set("skip", &quoted(&conditions.join(" || ")), "user-sync: user_filter, identity_type_filter");
        }
    }
}
