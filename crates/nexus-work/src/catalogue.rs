//! The catalogue: what can be asked of NEXUS in a tenant, and what rates it. Built-in types come
//! from the agents in this process, others were registered by an admin.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jsonschema::Validator;
use nexus_core::policy::{Rating, Risk, Rule, Verdict, rate};
use nexus_core::tenant::Tenant;
use nexus_kit::db::Db;
use nexus_kit::http::problem::FieldError;
use serde_json::Value;

use crate::agent::Agent;
use crate::error::WorkError;
use crate::policy::sql;

/// Schema errors that a refusal lists at most.
const MAX_ERRORS: usize = 20;

/// One command type of a tenant.
#[derive(Clone)]
pub(crate) struct KnownType {
    pub name: String,
    /// The type's own level.
    pub level: Risk,
    /// An admin's level, which alone can lower it.
    pub admin_override: Option<Risk>,
    pub floor: bool,
    pub title_en: String,
    pub title_ko: String,
    pub schema: Arc<Value>,
    pub target: Option<String>,
    pub timeout: Duration,
    /// What an outside type says about another attempt; built-in ones say it with each failure.
    pub retryable: Option<bool>,
    /// How many of it run at once in this tenant, if the type itself says so.
    pub concurrency: Option<u32>,
    /// The agent in this process, for a built-in type.
    pub agent: Option<Arc<dyn Agent>>,
    validator: Arc<Validator>,
}

impl KnownType {
    /// Every way in which params miss the schema; paths are JSON Pointers into the request.
    pub fn check_schema(&self, params: &Value) -> Result<(), WorkError> {
        if self.validator.is_valid(params) {
            return Ok(());
        }
        let errors = self.validator.iter_errors(params).take(MAX_ERRORS).map(|error| FieldError {
            path: format!("/params{}", error.instance_path()),
            message: nexus_core::text::clip(&error.to_string(), 300),
        });
        Err(WorkError::Params("invalid_params", errors.collect()))
    }

    /// Refuses a command of a type that nobody sends or edits: the server makes it.
    pub fn check_by_hand(&self) -> Result<(), WorkError> {
        match self.made_by() {
            None => Ok(()),
            Some(request) => Err(WorkError::NotByHand(self.name.clone(), request)),
        }
    }

    fn made_by(&self) -> Option<&'static str> {
        self.agent.as_ref().and_then(|agent| agent.made_by(&self.name))
    }

    /// Why nobody can use it as things are set up, if nobody can.
    pub fn disabled(&self) -> Option<String> {
        let agent = self.agent.as_ref()?;
        self.made_by().map(by_server).or_else(|| agent.disabled(&self.name))
    }

    /// The param that a person would call the target.
    pub fn target_of(&self, params: &Value) -> Option<String> {
        let found = params.pointer(self.target.as_deref()?)?;
        Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
    }
}

/// What is said about a type whose commands the server makes.
pub(crate) fn by_server(request: &str) -> String {
    format!("the server makes it from {request}")
}

/// Everything that rates a tenant's commands, as it was at these versions.
pub(crate) struct Bundle {
    pub policy_version: u64,
    pub types_version: u64,
    pub rules: Vec<Rule>,
    pub types: BTreeMap<String, Arc<KnownType>>,
}

impl Bundle {
    /// The type of that name.
    pub fn find(&self, name: &str) -> Result<Arc<KnownType>, WorkError> {
        self.types
            .get(name)
            .cloned()
            .ok_or_else(|| WorkError::UnknownType(nexus_core::text::clip(name, 128)))
    }

    /// Rates a command.
    pub fn rate(&self, known: &KnownType, params: &Value, requested: Option<Risk>) -> Verdict {
        rate(&Rating {
            command_type: &known.name,
            params,
            builtin: known.level,
            floor: known.floor,
            rules: &self.rules,
            admin_override: known.admin_override,
            requested,
        })
    }
}

/// All tenants' catalogues; each is read from the store when its version is not the one known.
pub(crate) struct Catalogue {
    builtin: BTreeMap<String, Arc<KnownType>>,
    bundles: RwLock<HashMap<Tenant, Arc<Bundle>>>,
}

/// Why a schema cannot be used.
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        // Linear time: a schema that somebody registered must not be able to stall the server.
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .build(schema)
        .map_err(|error| error.to_string())
}

impl Catalogue {
    /// The types of the agents in this process.
    ///
    /// # Errors
    /// When an agent's schema is none, or two agents claim a type: a fault of this program.
    pub fn new(agents: &[Arc<dyn Agent>]) -> Result<Self, String> {
        let mut builtin = BTreeMap::new();
        for agent in agents {
            for spec in agent.types() {
                let validator = compile(&spec.params_schema)
                    .map_err(|error| format!("the schema of {}: {error}", spec.name))?;
                let known = KnownType {
                    name: spec.name.to_owned(),
                    level: spec.risk,
                    admin_override: None,
                    floor: spec.floor,
                    title_en: spec.title_en.to_owned(),
                    title_ko: spec.title_ko.to_owned(),
                    schema: Arc::new(spec.params_schema),
                    target: spec.target.map(str::to_owned),
                    timeout: spec.timeout,
                    retryable: None,
                    concurrency: None,
                    agent: Some(agent.clone()),
                    validator: Arc::new(validator),
                };
                if builtin.insert(spec.name.to_owned(), Arc::new(known)).is_some() {
                    return Err(format!("two agents perform {}", spec.name));
                }
            }
        }
        Ok(Self { builtin, bundles: RwLock::default() })
    }

    /// The names of the built-in types.
    pub fn builtin(&self) -> impl Iterator<Item = &str> {
        self.builtin.keys().map(String::as_str)
    }

    /// The built-in type of that name, as it is without any tenant.
    pub fn builtin_type(&self, name: &str) -> Option<&Arc<KnownType>> {
        self.builtin.get(name)
    }

    /// The tenant's catalogue as this process knows it, which the store confirms or refuses by
    /// [`WorkError::Stale`] when it is acted on.
    pub async fn bundle(&self, db: &Db, tenant: &Tenant) -> Result<Arc<Bundle>, WorkError> {
        match self.known(tenant) {
            Some(bundle) => Ok(bundle),
            None => self.refresh(db, tenant).await,
        }
    }

    /// The tenant's catalogue if this process has read it.
    pub fn known(&self, tenant: &Tenant) -> Option<Arc<Bundle>> {
        self.bundles.read().ok().and_then(|bundles| bundles.get(tenant).cloned())
    }

    /// The tenant's catalogue as it is in the store.
    pub async fn refresh(&self, db: &Db, tenant: &Tenant) -> Result<Arc<Bundle>, WorkError> {
        let whose = tenant.clone();
        let stored = db.read(tenant, move |q| sql::stored_bundle(q, &whose)).await?;
        let mut types = self.builtin.clone();
        for row in stored.types {
            if let Some(builtin) = self.builtin.get(&row.command_type) {
                let known = KnownType {
                    admin_override: row.risk,
                    concurrency: row.concurrency,
                    ..(**builtin).clone()
                };
                types.insert(row.command_type, Arc::new(known));
            } else if let Some(known) = registered(row) {
                types.insert(known.name.clone(), Arc::new(known));
            }
        }
        let bundle = Arc::new(Bundle {
            policy_version: stored.policy_version,
            types_version: stored.types_version,
            rules: stored.rules,
            types,
        });
        if let Ok(mut bundles) = self.bundles.write() {
            bundles.insert(tenant.clone(), bundle.clone());
        }
        Ok(bundle)
    }
}

/// A registered type; one whose schema no longer compiles is logged and not offered.
fn registered(row: sql::TypeRow) -> Option<KnownType> {
    if row.builtin {
        // An override of a built-in type that this process does not have.
        return None;
    }
    let validator = match compile(&row.params_schema) {
        Ok(validator) => validator,
        Err(error) => {
            tracing::error!(command_type = %row.command_type, %error, "a registered schema is unusable");
            return None;
        }
    };
    Some(KnownType {
        // RED until an admin rates it.
        level: row.risk.unwrap_or(Risk::Red),
        admin_override: None,
        floor: row.sends_outside,
        title_en: row.title_en,
        title_ko: row.title_ko,
        schema: Arc::new(row.params_schema),
        target: None,
        timeout: row.timeout,
        retryable: Some(row.retryable),
        concurrency: row.concurrency,
        agent: None,
        validator: Arc::new(validator),
        name: row.command_type,
    })
}
