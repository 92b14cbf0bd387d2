//! Sessions that `nexus login` keeps, one for each server, in a file that only its owner reads.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nexus_kit::settings::load::Inputs;
use nexus_kit::settings::{Client, Secret};
use serde_json::{Value, json};

/// The file in the directory of the user's own settings.
const FILE: &str = "sessions.json";

/// A session as it is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Whose.
    pub email: String,
    /// What proves it.
    pub token: Secret,
}

/// The sessions of one user of this machine.
pub struct Sessions {
    path: PathBuf,
}

impl Sessions {
    /// Where they are: `NEXUS_CONFIG_DIR`, else `nexus` in `XDG_CONFIG_HOME` or `~/.config`; nowhere
    /// for a user without a home.
    pub fn find(inputs: &Inputs, client: &Client) -> Option<Self> {
        let env = |name: &str| {
            let found = inputs.env.iter().find(|(key, _)| key == name).map(|(_, value)| value);
            found.filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let dir = match &client.config_dir {
            Some(dir) => inputs.dir.join(dir),
            None => env("XDG_CONFIG_HOME")
                .or_else(|| env("HOME").map(|home| home.join(".config")))?
                .join("nexus"),
        };
        Some(Self { path: dir.join(FILE) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The session for a server.
    ///
    /// # Errors
    /// When the file cannot be read, or others can read it too.
    pub fn get(&self, origin: &str) -> io::Result<Option<Kept>> {
        let all = self.read()?;
        let Some(one) = all.get(origin) else { return Ok(None) };
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
        let token = text("access_token");
        let kept = Kept { email: text("email").to_owned(), token: Secret::new(token) };
        Ok((!token.is_empty()).then_some(kept))
    }

    /// Keeps the session for a server.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&self, origin: &str, kept: &Kept) -> io::Result<()> {
        let mut all = self.read()?;
        let one = json!({"email": kept.email, "access_token": kept.token.expose()});
        all.insert(origin.to_owned(), one);
        self.write(&all)
    }

    /// Forgets the session for a server.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget(&self, origin: &str) -> io::Result<()> {
        let mut all = self.read()?;
        if all.remove(origin).is_some() {
            self.write(&all)?;
        }
        Ok(())
    }

    fn read(&self) -> io::Result<BTreeMap<String, Value>> {
        let meta = match fs::metadata(&self.path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        };
        if meta.permissions().mode() & 0o077 != 0 {
            let why = "others can read or change it; chmod 600 it";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let text = fs::read_to_string(&self.path)?;
        serde_json::from_str(&text)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not what login wrote"))
    }

    /// Writes all of it beside and moves it over, so that no other command reads half of it.
    fn write(&self, all: &BTreeMap<String, Value>) -> io::Result<()> {
        if let Some(dir) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let beside = self.path.with_extension(format!("{}.tmp", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(json!(all).to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_kept_for_its_server_and_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let inputs = Inputs {
            env: vec![("HOME".into(), home.path().into())],
            dir: home.path().to_owned(),
            config: None,
        };
        let sessions = Sessions::find(&inputs, &Client::default()).unwrap();
        assert_eq!(sessions.path(), home.path().join(".config/nexus/sessions.json"));
        assert!(sessions.get("http://a").unwrap().is_none());
        let kept = |token: &str| Kept { email: "m@x".into(), token: Secret::new(token) };
        sessions.put("http://a", &kept("one")).unwrap();
        sessions.put("http://b", &kept("two")).unwrap();
        assert_eq!(sessions.get("http://a").unwrap().unwrap().token.expose(), "one");
        let mode = fs::metadata(sessions.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        sessions.forget("http://a").unwrap();
        assert!(sessions.get("http://a").unwrap().is_none());
        assert!(sessions.get("http://b").unwrap().is_some());
        fs::set_permissions(sessions.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(sessions.get("http://b").is_err());
        let nobody = Inputs { env: Vec::new(), ..inputs };
        assert!(Sessions::find(&nobody, &Client::default()).is_none());
    }
}
