//! People of a world.

use nexus_kit::args;
use nexus_kit::db::{Db, DbError, Scope};
use nexus_testdb::TestDatabase;
use serde_json::{Value, json};

use crate::client::Client;
use crate::world::World;

/// The password of everybody in a world.
pub const PASSWORD: &str = "grey whales hum at dusk";

/// Somebody who has signed in.
#[derive(Clone)]
pub struct Somebody {
    /// `usr_…`.
    pub user_id: String,
    /// `ses_…`.
    pub session_id: String,
    /// In lower case.
    pub email: String,
    /// Proves that a write by cookie comes from the page.
    pub csrf_token: String,
    /// By the session's token, in the tenant where they were made.
    pub client: Client,
}

impl std::ops::Deref for Somebody {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl World {
    /// A person with a role in `default:default`, signed in.
    pub async fn user(&self, email: &str, role: &str) -> Somebody {
        self.user_of("default:default", email, role).await
    }

    /// A person with a role in a tenant, signed in; whoever has an account only becomes a member.
    pub async fn user_of(&self, tenant: &str, email: &str, role: &str) -> Somebody {
        let body = json!({"email": email, "role": role});
        let invited = self.admin().of(tenant).post("/users", &body).await;
        let invited = invited.expect(201).clone();
        match invited["link"].as_str() {
            None => self.sign_in(email).await.of_tenant(tenant),
            Some(link) => {
                let token = token_of(link);
                let body = json!({"token": token, "password": PASSWORD});
                let signed = self.nobody().post("/auth/redeem", &body).await;
                self.somebody(signed.expect(200)).of_tenant(tenant)
            }
        }
    }

    /// Signs somebody in again.
    pub async fn sign_in(&self, email: &str) -> Somebody {
        let body = json!({"email": email, "password": PASSWORD});
        let signed = self.nobody().post("/auth/login", &body).await;
        self.somebody(signed.expect(200))
    }

    /// The page that the last start showed at the terminal for a first admin.
    pub fn first_admin_link(&self) -> Option<String> {
        self.running().first_admin.clone()
    }

    /// A person's password as the store has it.
    pub fn password_of(&self, email: &str) -> String {
        let found = Db::look(&self.settings().store, &Scope::System, |q| {
            q.one(
                "SELECT w.phc FROM password w JOIN person p ON p.user_id = w.user_id
                 WHERE p.email = $1",
                args![email],
                |row| row.text(0),
            )
        });
        let found: Result<String, DbError> = found;
        found.expect("there is a password")
    }

    /// Every byte of the store and the data directory, as text.
    pub fn everything_stored(&self) -> String {
        let mut all = self.database.as_ref().map(TestDatabase::everything).unwrap_or_default();
        for entry in std::fs::read_dir(self.data_dir()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                all.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
            }
        }
        all
    }

    /// A client without key and tenant.
    pub fn nobody(&self) -> Client {
        self.service().stranger().without_tenant()
    }

    /// Whoever an answer of a sign-in names.
    pub fn somebody(&self, signed: &Value) -> Somebody {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Somebody {
            user_id: text(&signed["user"]["user_id"]),
            session_id: text(&signed["session"]["session_id"]),
            email: text(&signed["user"]["email"]),
            csrf_token: text(&signed["csrf_token"]),
            client: self.client(&text(&signed["access_token"])),
        }
    }
}

impl Somebody {
    fn of_tenant(mut self, tenant: &str) -> Self {
        self.client = self.client.of(tenant);
        self
    }
}

/// The token of a one-time link.
pub fn token_of(link: &str) -> &str {
    link.rsplit_once("/ui#/welcome/").expect("a link to the page that takes its token").1
}
