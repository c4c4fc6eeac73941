//! Conditions on people, in the Common Expression Language.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use cel::{
    Context, Program, Value,
    common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue},
};
use umapi_directory::{Attributes, Person};

/// The variables of a condition.
const VARIABLES: [&str; 3] = ["attr", "all", "enabled"];

/// A condition on a person, in the Common Expression Language (CEL).
///
/// | variable | what it holds |
/// | --- | --- |
/// | `attr.NAME` | the first value of an attribute; an empty text if there is none |
/// | `all.NAME` | all values of an attribute, as a list |
/// | `enabled` | whether the account is in use |
///
/// ```
/// use umapi_directory::{Attributes, Person, PersonId};
/// use umapi_sync::Condition;
///
/// let ann = Person {
///     id: PersonId::new("1"),
///     place: "CN=Ann".to_owned(),
///     is_enabled: true,
///     attributes: Attributes::from_iter([("employeeType", "contractor")]),
/// };
/// let holds = |text: &str| Condition::parse(text).unwrap().holds(&ann).unwrap();
/// assert!(holds(r#"attr.employeeType == "contractor" && enabled"#));
/// assert!(holds(r#"attr.manager == "" && size(all.mail) == 0"#));
/// assert!(holds(r#"["intern", "contractor"].exists(t, t == attr.employeeType)"#));
/// ```
pub struct Condition {
    text: String,
    program: Program,
    /// Holds the functions of the language, which take longer to set up than a condition to evaluate.
    functions: Context<'static, 'static>,
    /// As the condition spells them.
    attributes: BTreeSet<String>,
}

/// A condition that cannot be understood, or that has no answer for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ConditionError {
    reason: String,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// Text that is not CEL, an unknown variable, and a result other than yes or no.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let program = Program::compile(text).map_err(|errors| {
            let messages = errors.errors.iter().map(|error| error.msg.clone()).collect::<Vec<_>>();
            ConditionError::new(format!("it is not a condition in CEL: {}", messages.join("; ")))
        })?;
        let references = program.references();
        let unknown = references
            .variables()
            .into_iter()
            .find(|name| !VARIABLES.contains(name) && !is_bound(program.expression(), name));
        if let Some(unknown) = unknown {
            return Err(ConditionError::new(format!("there is no `{unknown}`; use attr.NAME, all.NAME, enabled")));
        }
        let mut attributes = BTreeSet::new();
        collect_attributes(program.expression(), &mut attributes);
        let condition = Self { text: text.to_owned(), program, functions: Context::default(), attributes };
        condition.evaluate(&Attributes::default(), true).map(|_| condition)
    }

    /// Whether it holds for a person.
    ///
    /// # Errors
    /// A condition without an answer, for example a text compared with a number.
    pub fn holds(&self, person: &Person) -> Result<bool, ConditionError> {
        self.evaluate(&person.attributes, person.is_enabled)
    }

    /// The names of the attributes that the condition uses.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(String::as_str)
    }

    fn evaluate(&self, attributes: &Attributes, enabled: bool) -> Result<bool, ConditionError> {
        let first = |name: &String| (name.clone(), attributes.first(name).unwrap_or_default().to_owned());
        let all = |name: &String| (name.clone(), attributes.all(name).to_vec());
        let mut context = self.functions.new_inner_scope();
        context.add_variable_from_value("attr", self.attributes.iter().map(first).collect::<HashMap<_, _>>());
        context.add_variable_from_value("all", self.attributes.iter().map(all).collect::<HashMap<_, _>>());
        context.add_variable_from_value("enabled", enabled);
        match self.program.execute(&context) {
            Ok(Value::Bool(answer)) => Ok(answer),
            Ok(other) => Err(ConditionError::new(format!("its result is {}, not true or false", kind(&other)))),
            Err(error) => Err(ConditionError::new(error.to_string())),
        }
    }
}

/// What kind of value a user would call it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => "a number",
        Value::List(_) => "a list",
        Value::Null => "nothing",
        _ => "something else",
    }
}

/// Whether a macro such as `exists` binds a variable of this name somewhere in the expression.
fn is_bound(expression: &IdedExpr, name: &str) -> bool {
    let mut bound = false;
    visit(expression, &mut |expr| {
        if let Expr::Comprehension(loops) = expr {
            bound |= loops.iter_var == name || loops.accu_var == name || loops.iter_var2.as_deref() == Some(name);
        }
    });
    bound
}

fn collect_attributes(expression: &IdedExpr, names: &mut BTreeSet<String>) {
    let is_attributes =
        |operand: &IdedExpr| matches!(&operand.expr, Expr::Ident(name) if name == "attr" || name == "all");
    visit(expression, &mut |expr| match expr {
        Expr::Select(select) if is_attributes(&select.operand) => {
            names.insert(select.field.clone());
        }
        // `attr["employee-type"]`
        Expr::Call(call) => {
            if let [operand, index] = call.args.as_slice()
                && is_attributes(operand)
                && let Expr::Literal(LiteralValue::String(name)) = &index.expr
            {
                names.insert(name.inner().to_owned());
            }
        }
        _ => {}
    });
}

/// Calls `see` with every part of an expression.
fn visit(expression: &IdedExpr, see: &mut dyn FnMut(&Expr)) {
    see(&expression.expr);
    match &expression.expr {
        Expr::Call(call) => {
            call.target.iter().map(|target| &**target).chain(&call.args).for_each(|part| visit(part, see))
        }
        Expr::Comprehension(loops) => {
            [&loops.iter_range, &loops.accu_init, &loops.loop_cond, &loops.loop_step, &loops.result]
                .into_iter()
                .for_each(|part| visit(part, see));
        }
        Expr::List(list) => list.elements.iter().for_each(|part| visit(part, see)),
        Expr::Map(map) => map.entries.iter().for_each(|entry| visit_entry(&entry.expr, see)),
        Expr::Struct(object) => object.entries.iter().for_each(|entry| visit_entry(&entry.expr, see)),
        Expr::Select(select) => visit(&select.operand, see),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
    }
}

fn visit_entry(entry: &EntryExpr, see: &mut dyn FnMut(&Expr)) {
    match entry {
        EntryExpr::StructField(field) => visit(&field.value, see),
        EntryExpr::MapEntry(entry) => {
            visit(&entry.key, see);
            visit(&entry.value, see);
        }
    }
}

impl ConditionError {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_when_a_condition_is_read() {
        for (text, part) in [
            ("attr.a ==", "not a condition in CEL"),
            ("person.a == 'x'", "there is no `person`; use attr.NAME"),
            ("attr.a", "its result is a text, not true or false"),
            ("size(attr.a)", "its result is a number"),
        ] {
            let error = Condition::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn the_attributes_of_a_condition_are_known() {
        let condition = Condition::parse(r#"attr.a == "x" || all["b-c"].exists(v, v == attr.d) || !enabled"#).unwrap();
        assert_eq!(condition.attributes().collect::<Vec<_>>(), ["a", "b-c", "d"]);
    }
}
