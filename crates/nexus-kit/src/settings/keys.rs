//! The keys that a first run makes for itself: two random ones in `<data dir>/keys.env`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The file's name in the data directory.
pub const FILE: &str = "keys.env";

/// What a service key starts with.
pub const SERVICE_PREFIX: &str = "nxs_svc_";

/// What an admin key starts with.
pub const ADMIN_PREFIX: &str = "nxs_adm_";

/// Randomness for two keys.
pub type Entropy = [u8; 64];

/// Writes `<data_dir>/keys.env` with two new keys unless the file exists; says whether it did.
///
/// The keys are written to a file of their own first and then linked to the name, which fails if
/// the name is taken: two first runs at once agree on one pair, and a crash in the middle leaves no
/// half of a file that would close a door without a word.
pub fn ensure_keys(data_dir: &Path, entropy: &Entropy) -> io::Result<bool> {
    let path = data_dir.join(FILE);
    if fs::symlink_metadata(&path).is_ok() {
        return Ok(false);
    }
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    // The directory may have been there before. On a mounted volume it may belong to somebody else,
    // and then the modes of the files alone protect them.
    match fs::set_permissions(data_dir, fs::Permissions::from_mode(0o700)) {
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
        _ => {}
    }

    let (service, admin) = entropy.split_at(32);
    let text = format!(
        "# Made by the first run of NEXUS. Whoever has these keys has everything: keep them.\n\
         # NEXUS_API_KEY is for programs, ADMIN_API_KEY approves and administers.\n\
         NEXUS_API_KEY={SERVICE_PREFIX}{}\n\
         ADMIN_API_KEY={ADMIN_PREFIX}{}\n",
        URL_SAFE_NO_PAD.encode(service),
        URL_SAFE_NO_PAD.encode(admin),
    );
    // Named after the randomness, of which a hash gives nothing away: containers share numbers.
    let name = nexus_core::json::sha256_hex(entropy);
    let draft = data_dir.join(format!(".{FILE}.{}", &name[..16]));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&draft, &path));
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => {
            File::open(data_dir)?.sync_all()?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_first_run_makes_two_keys_once_for_nobody_else_to_read() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("deep/data");
        let entropy: Entropy = std::array::from_fn(|i| u8::try_from(i).unwrap());
        assert!(ensure_keys(&data, &entropy).unwrap());
        let first = fs::read_to_string(data.join(FILE)).unwrap();
        assert!(first.contains("NEXUS_API_KEY=nxs_svc_AAECAwQ"), "{first}");
        assert!(first.contains("ADMIN_API_KEY=nxs_adm_ICEiIyQ"), "{first}");
        assert_eq!((mode(&data), mode(&data.join(FILE))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "a draft was left");

        assert!(!ensure_keys(&data, &[7; 64]).unwrap());
        assert_eq!(fs::read_to_string(data.join(FILE)).unwrap(), first);
    }

    #[test]
    fn first_runs_at_once_make_one_pair() {
        let home = tempfile::tempdir().unwrap();
        let made: usize = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8u8)
                .map(|n| {
                    let data = home.path();
                    scope.spawn(move || usize::from(ensure_keys(data, &[n; 64]).unwrap()))
                })
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).sum()
        });
        assert_eq!(made, 1);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "a draft was left");
    }
}
