//! Passwords: what may be one, and how one is hashed and compared.

use std::collections::HashSet;
#[cfg(test)]
use std::sync::PoisonError;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use nexus_kit::entropy::Entropy;
use nexus_kit::settings;
use tokio::sync::Semaphore;

use crate::error::AuthError;

/// Fewest characters.
const LEAST: usize = 8;

/// Most bytes; more is refused, never cut.
pub(crate) const MOST_BYTES: usize = 1024;

/// How long a request waits for its turn to hash.
const PATIENCE: Duration = Duration::from_secs(2);

/// The 3000 passwords that people choose most, letters and digits in lower case.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Why a password cannot be one; `context` is what is known about its person.
pub(crate) fn refuse(password: &str, context: &[&str]) -> Option<&'static str> {
    if password.len() > MOST_BYTES {
        return Some("at most 1024 bytes");
    }
    if password.chars().count() < LEAST || password.chars().all(char::is_alphanumeric) {
        return Some("at least 8 characters, one of them neither a letter nor a digit");
    }
    // A common word does not become a secret by a "!" at its end or a "@" for its "a".
    let whole = password.to_lowercase();
    let plain: String = whole.chars().filter(|c| c.is_alphanumeric()).collect();
    let undone: String = whole.chars().map(undo).filter(|c| c.is_alphanumeric()).collect();
    let core = plain.trim_matches(|c: char| c.is_ascii_digit());
    if [plain.as_str(), undone.as_str(), core].iter().any(|word| COMMON.contains(word)) {
        return Some("this is one of the passwords that are tried first");
    }
    let mut words: Vec<String> = vec!["nexus".to_owned()];
    for text in context {
        words.extend(text.to_lowercase().split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
    }
    words.retain(|word| word.chars().count() >= 4);
    // What is left without the words that anybody knows must still be something.
    let left = words.iter().fold(plain.clone(), |left, word| left.replace(word.as_str(), ""));
    if left != plain && left.chars().filter(|c| c.is_alphabetic()).count() < LEAST / 2 {
        return Some("this is little more than your e-mail, your name or your organisation");
    }
    None
}

/// The letter that a sign stands for.
fn undo(sign: char) -> char {
    match sign {
        '@' | '4' => 'a',
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '$' | '5' => 's',
        '7' => 't',
        other => other,
    }
}

/// Hashes on threads for it, few at once, so that sign-ins cannot eat the machine.
pub(crate) struct Hasher {
    params: Params,
    permits: Arc<Semaphore>,
    patience: Duration,
    entropy: Entropy,
    /// Nobody's password: compared with where there is none, so that it takes as long.
    nobody: String,
    #[cfg(test)]
    computed: Arc<std::sync::Mutex<Vec<String>>>,
}

/// What a comparison found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    Wrong,
    /// It is right; `renew` when it was hashed with other parameters than today's.
    Right {
        renew: bool,
    },
}

impl Hasher {
    pub fn new(settings: &settings::People, entropy: &Entropy) -> Self {
        let params = Params::new(
            settings.password_memory_kib.max(8 * settings.password_lanes.max(1)),
            settings.password_passes.max(1),
            settings.password_lanes.max(1),
            None,
        );
        let params = params.unwrap_or_default();
        let nobody = format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            params.m_cost(),
            params.t_cost(),
            params.p_cost(),
            STANDARD_NO_PAD.encode(entropy.bytes::<16>()),
            STANDARD_NO_PAD.encode(entropy.bytes::<32>()),
        );
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            params,
            permits: Arc::new(Semaphore::new((cores / 2).max(1))),
            patience: PATIENCE,
            entropy: entropy.clone(),
            nobody,
            #[cfg(test)]
            computed: Arc::default(),
        }
    }

    /// A PHC string for a new password.
    ///
    /// # Errors
    /// [`AuthError::Busy`] when too many others hash.
    pub async fn hash(&self, password: &str) -> Result<String, AuthError> {
        let (params, password) = (self.params.clone(), password.to_owned());
        let salt = SaltString::encode_b64(&self.entropy.bytes::<16>());
        let salt = salt.map_err(|error| AuthError::Hash(error.to_string()))?;
        let made = self.compute(self.named_params(), move || {
            let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon.hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
        });
        made.await?.map_err(|error| AuthError::Hash(error.to_string()))
    }

    /// Compares a password with what is stored, or with nobody's where nothing is.
    ///
    /// # Errors
    /// [`AuthError::Busy`] when too many others hash.
    pub async fn compare(
        &self,
        stored: Option<String>,
        password: &str,
    ) -> Result<Compared, AuthError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let password = password.to_owned();
        let of_today = stored.starts_with(&format!("{}$", self.named_params()));
        let named = stored.rsplitn(3, '$').nth(2).unwrap_or_default().to_owned();
        let same = self.compute(named, move || {
            let parsed = PasswordHash::new(&stored)?;
            Argon2::default().verify_password(password.as_bytes(), &parsed)
        });
        match same.await? {
            Ok(()) if known => Ok(Compared::Right { renew: !of_today }),
            Ok(()) | Err(argon2::password_hash::Error::Password) => Ok(Compared::Wrong),
            Err(error) => Err(AuthError::Hash(error.to_string())),
        }
    }

    fn named_params(&self) -> String {
        let (m, t, p) = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        format!("$argon2id$v=19$m={m},t={t},p={p}")
    }

    async fn compute<T: Send + 'static>(
        &self,
        params: String,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        let turn = Arc::clone(&self.permits).acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(self.patience, turn).await else {
            return Err(AuthError::Busy);
        };
        #[cfg(test)]
        self.computed.lock().unwrap_or_else(PoisonError::into_inner).push(params);
        #[cfg(not(test))]
        drop(params);
        // The turn ends with the work, also when whoever asked has gone.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|error| AuthError::Hash(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(memory: u32) -> Hasher {
        let settings = settings::People {
            password_memory_kib: memory,
            password_passes: 1,
            ..settings::People::default()
        };
        Hasher::new(&settings, &Entropy::seeded(7))
    }

    #[tokio::test]
    async fn an_unknown_person_costs_the_same_one_hash() {
        let hasher = hasher(8);
        let stored = hasher.hash("a long phrase!").await.unwrap();
        let work = async |stored: Option<&String>, password: &str| {
            hasher.computed.lock().unwrap().clear();
            let compared = hasher.compare(stored.cloned(), password).await.unwrap();
            (compared, hasher.computed.lock().unwrap().clone())
        };
        let once = vec!["$argon2id$v=19$m=8,t=1,p=1".to_owned()];
        let right = Compared::Right { renew: false };
        assert_eq!(work(Some(&stored), "a long phrase!").await, (right, once.clone()));
        assert_eq!(work(Some(&stored), "a wrong phrase!").await, (Compared::Wrong, once.clone()));
        assert_eq!(work(None, "a long phrase!").await, (Compared::Wrong, once));
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_renewed() {
        let stored = hasher(8).hash("a long phrase!").await.unwrap();
        let compared = hasher(16).compare(Some(stored), "a long phrase!").await.unwrap();
        assert_eq!(compared, Compared::Right { renew: true });
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_too_long_for_a_turn_is_told_to_come_back() {
        let hasher = hasher(8);
        let count = u32::try_from(hasher.permits.available_permits()).unwrap();
        let all = hasher.permits.acquire_many(count).await.unwrap();
        assert!(matches!(hasher.compare(None, "x").await, Err(AuthError::Busy)));
        drop(all);
        assert_eq!(hasher.compare(None, "x").await.unwrap(), Compared::Wrong);
    }

    #[test]
    fn the_list_of_common_passwords_is_there() {
        assert!(COMMON.len() >= 3_000);
        assert!(COMMON.iter().all(|word| word.chars().all(char::is_alphanumeric)));
    }

    #[test]
    fn what_anybody_would_try_is_no_password() {
        let about = ["mina.kim@lab.kaist.ac.kr", "김미나 Mina", "kaist-robotics"];
        let refused = |password: &str| refuse(password, &about).is_some();
        for bad in [
            "",
            "short!",
            "nospecial1",
            "Password!",
            "P@ssw0rd!",
            "password1234!!",
            "qwer1234!",
            "!!iloveyou!!",
            "mina.kim!!",
            "Kaist-2024",
            "robotics#1",
            "nexus!!!!",
        ] {
            assert!(refused(bad), "{bad}");
        }
        assert!(refused(&format!("{}!", "x".repeat(MOST_BYTES))));
        let longest = "긴 암호! ".repeat(70);
        for good in [
            "correct horse battery staple",
            "물 위를 걷는 고래 셋",
            "t7#kQp2-vv",
            "kaist has 17 blue doors",
            longest.as_str(),
        ] {
            assert!(!refused(good), "{good}: {:?}", refuse(good, &about));
        }
    }
}
