//! Files as a tenant meets them, on a real disk.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nexus_core::failure::FailureCode;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

use super::*;
use crate::testing::{self, Recorder};

struct Desk {
    agent: Files,
    data_dir: tempfile::TempDir,
    tenant: Tenant,
}

impl Desk {
    fn new() -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let agent = Files::new(data_dir.path());
        Self { agent, data_dir, tenant: Tenant::new("acme", "lab").unwrap() }
    }

    /// Where the tenant's files are on the disk, made if need be.
    fn root(&self) -> PathBuf {
        let root = self.data_dir.path().join("files/acme/lab");
        fs::create_dir_all(&root).unwrap();
        root
    }

    fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let full = self.root().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(&full, bytes).unwrap();
        full
    }

    async fn run(&self, command_type: &str, params: Value) -> Result<Value, Failure> {
        let job = testing::job(&self.tenant, command_type, params);
        self.agent.perform(&job, &Recorder::default()).await
    }

    async fn write(&self, path: &str, content: &str) -> Result<Value, Failure> {
        self.run("file.write", json!({"path": path, "content": content})).await
    }

    /// As approved: binds, then deletes with what was bound.
    async fn delete_bound(
        &self,
        path: &str,
        bound: Vec<Bound>,
    ) -> (Result<Value, Failure>, Recorder) {
        let recorder = Recorder::default();
        let mut job = testing::job(&self.tenant, "file.delete", json!({"path": path}));
        job.bound = bound;
        let result = self.agent.perform(&job, &recorder).await;
        (result, recorder)
    }

    fn bind(&self, path: &str) -> Result<Vec<Bound>, Vec<ParamError>> {
        self.agent.bind(&self.tenant, "file.delete", &json!({"path": path}))
    }
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
}

fn names(listing: &Value) -> Vec<&str> {
    listing["entries"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect()
}

#[test]
fn types_say_what_they_are() {
    let specs = Desk::new().agent.types();
    let levels: Vec<_> = specs.iter().map(|s| (s.name, s.risk, s.floor)).collect();
    assert_eq!(
        levels,
        [
            ("file.list", Risk::Green, false),
            ("file.read", Risk::Green, false),
            ("file.write", Risk::Yellow, false),
            ("file.delete", Risk::Red, true),
        ]
    );
    for spec in specs {
        let schema = jsonschema::draft202012::new(&spec.params_schema).unwrap();
        assert!(!schema.is_valid(&json!({"path": "a", "content": "b", "other": 1})));
        assert!(!schema.is_valid(&json!({"path": "x".repeat(1025), "content": "b"})));
        assert!(!schema.is_valid(&json!({"path": 1, "content": "b"})));
        assert!(!schema.is_valid(&json!([])));
        assert_eq!(schema.is_valid(&json!({})), spec.name == "file.list");
        let both = json!({"path": "a", "content": "b", "content_base64": "Yg=="});
        assert!(!schema.is_valid(&both));
        assert_eq!(schema.is_valid(&json!({"path": "a"})), spec.name != "file.write");
        if spec.name == "file.write" {
            assert!(schema.is_valid(&json!({"path": "a", "content": "b"})));
            assert!(schema.is_valid(&json!({"path": "a", "content_base64": "Yg=="})));
            assert!(!schema.is_valid(&json!({"path": "a", "content": "x".repeat((1 << 20) + 1)})));
        }
        assert!(spec.title_ko.chars().any(|c| ('가'..='힣').contains(&c)));
    }
}

#[tokio::test]
async fn what_is_written_is_read_and_listed() {
    let desk = Desk::new();
    let written = desk.write("보고서/1월.md", "안녕\n").await.unwrap();
    let sha256 = sha256_hex("안녕\n".as_bytes());
    assert_eq!(
        written,
        json!({"path": "보고서/1월.md", "size": 7, "sha256": sha256, "created": true})
    );
    assert_eq!(fs::read(desk.root().join("보고서/1월.md")).unwrap(), "안녕\n".as_bytes());

    let read = desk.run("file.read", json!({"path": "보고서/1월.md"})).await.unwrap();
    assert_eq!(
        read,
        json!({"path": "보고서/1월.md", "size": 7, "sha256": sha256, "content": "안녕\n"})
    );

    let again = desk.write("보고서/1월.md", "two").await.unwrap();
    assert_eq!(again["created"], false);
    desk.write("a.txt", "").await.unwrap();
    let listed = desk.run("file.list", json!({})).await.unwrap();
    assert_eq!(names(&listed), ["a.txt", "보고서"]);
    assert_eq!((&listed["truncated"], &listed["total"]), (&json!(false), &json!(2)));
    let entries = &listed["entries"];
    assert_eq!((&entries[0]["kind"], &entries[0]["size"]), (&json!("file"), &json!(0)));
    assert_eq!((&entries[1]["kind"], entries[1].get("size")), (&json!("folder"), None));
    let modified = entries[0]["modified"].as_str().unwrap();
    let on_disk = fs::metadata(desk.root().join("a.txt")).unwrap().modified().unwrap();
    let since = on_disk.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let expected = nexus_core::time::Time::from_millis(i64::try_from(since).unwrap());
    assert_eq!(modified, expected.to_string());
    let below = desk.run("file.list", json!({"path": "보고서"})).await.unwrap();
    assert_eq!((names(&below), &below["path"]), (vec!["1월.md"], &json!("보고서")));
}

#[tokio::test]
async fn bytes_that_are_no_text_travel_as_base64() {
    let desk = Desk::new();
    let params = json!({"path": "a.bin", "content_base64": "/wAB"});
    assert_eq!(desk.run("file.write", params).await.unwrap()["size"], 3);
    let read = desk.run("file.read", json!({"path": "a.bin"})).await.unwrap();
    assert_eq!((&read["content_base64"], read.get("content")), (&json!("/wAB"), None));
}

#[tokio::test]
async fn a_tenant_that_never_wrote_has_an_empty_folder_and_gets_none_by_reading() {
    let desk = Desk::new();
    let listed = desk.run("file.list", json!({})).await.unwrap();
    assert_eq!((names(&listed).len(), &listed["total"]), (0, &json!(0)));
    for kind in ["file.list", "file.read"] {
        let failed = desk.run(kind, json!({"path": "a"})).await.unwrap_err();
        assert_eq!(failed.code, FailureCode::InvalidParams);
    }
    assert!(desk.bind("a").is_err());
    assert_eq!(fs::read_dir(desk.data_dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn tenants_do_not_meet() {
    let desk = Desk::new();
    desk.write("mine.txt", "x").await.unwrap();
    for (org, project) in [("acme", "other"), ("other", "lab"), ("acme.lab", "lab")] {
        let tenant = Tenant::new(org, project).unwrap();
        let job = testing::job(&tenant, "file.list", json!({}));
        let listed = desk.agent.perform(&job, &Recorder::default()).await.unwrap();
        assert_eq!(names(&listed).len(), 0);
    }
}

#[tokio::test]
async fn bad_paths_are_refused_before_and_at_work() {
    let desk = Desk::new();
    fs::write(desk.data_dir.path().join("secret"), "s").unwrap();
    for bad in [
        "",
        "/etc/passwd",
        "../secret",
        "../../../secret",
        "a/../../b",
        ".",
        "a/",
        "a//b",
        "a\0b",
        "a\nb",
        "a\\b",
        ".nexus-write-1",
    ] {
        for kind in ["file.list", "file.read", "file.write", "file.delete"] {
            let mut params = json!({"path": bad});
            if kind == "file.write" {
                params["content"] = "x".into();
            }
            let errors = desk.agent.check(&desk.tenant, kind, &params).unwrap_err();
            assert_eq!((errors[0].path.as_str(), errors[0].code), ("/path", "invalid_path"));
            let failed = desk.run(kind, params).await.unwrap_err();
            assert_eq!((failed.code, failed.left), (FailureCode::InvalidParams, Left::Nothing));
        }
    }
    assert_eq!(fs::read_dir(desk.data_dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn content_comes_once_and_fits() {
    let desk = Desk::new();
    let code = |params: Value| {
        desk.agent.check(&desk.tenant, "file.write", &params).map_err(|e| e[0].code)
    };
    assert_eq!(code(json!({"path": "a"})), Err("one_content_needed"));
    let both = json!({"path": "a", "content": "", "content_base64": ""});
    assert_eq!(code(both), Err("one_content_needed"));
    assert_eq!(code(json!({"path": "a", "content": 1})), Err("one_content_needed"));
    assert_eq!(code(json!({"path": "a", "content_base64": "%%"})), Err("bad_base64"));
    let most = "x".repeat(FILE_MAX_BYTES);
    assert_eq!(code(json!({"path": "a", "content": most})), Ok(()));
    assert_eq!(code(json!({"path": "a", "content": most + "x"})), Err("file_too_large"));
    assert_eq!(code(json!({"content": "x"})), Err("invalid_path"));
    let unknown = desk.run("file.move", json!({})).await.unwrap_err();
    assert_eq!(unknown.code, FailureCode::UnknownTaskType);
}

#[tokio::test]
async fn no_link_is_followed_at_any_depth() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir_all(outside.path().join("b/c")).unwrap();
    fs::write(outside.path().join("b/c/f.txt"), "secret").unwrap();
    fs::write(outside.path().join("f.txt"), "secret").unwrap();

    // A link in the place of each folder and of the file, also of the tenant's own folders.
    for (link, target) in [
        ("files", ""),
        ("files/acme", ""),
        ("files/acme/lab", ""),
        ("files/acme/lab/a", ""),
        ("files/acme/lab/a/b", "b"),
        ("files/acme/lab/a/b/c", "b/c"),
        ("files/acme/lab/a/b/c/f.txt", "b/c/f.txt"),
    ] {
        let desk = Desk::new();
        let place = desk.data_dir.path().join(link);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(outside.path().join(target), &place).unwrap();

        let read = desk.run("file.read", json!({"path": "a/b/c/f.txt"})).await.unwrap_err();
        assert_eq!(read.code, FailureCode::InvalidParams, "{link}");
        assert!(read.message.contains("symbolic link"), "{link}: {}", read.message);
        let write = desk.write("a/b/c/f.txt", "gotcha").await.unwrap_err();
        assert_eq!(write.code, FailureCode::InvalidParams, "{link}");
        let write = desk.write("a/b/c/new.txt", "gotcha").await;
        assert_eq!(write.is_err(), !link.ends_with("f.txt"), "{link}");
        let bound = desk.bind("a/b/c/f.txt").unwrap_err();
        assert_eq!((bound[0].path.as_str(), bound[0].code), ("/path", "invalid_path"), "{link}");
        if !link.ends_with("f.txt") {
            assert!(desk.run("file.list", json!({"path": "a/b/c"})).await.is_err(), "{link}");
        }
    }
    assert_eq!(fs::read(outside.path().join("b/c/f.txt")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(outside.path().join("b/c")).unwrap().count(), 1);

    // A listing shows a link as one, and a data folder behind a link is the operator's choice.
    let desk = Desk::new();
    symlink("/etc", desk.root().join("etc")).unwrap();
    let listed = desk.run("file.list", json!({})).await.unwrap();
    assert_eq!(listed["entries"][0]["kind"], "link");
    let alias = outside.path().join("alias");
    symlink(desk.data_dir.path(), &alias).unwrap();
    let job = testing::job(&desk.tenant, "file.list", json!({}));
    assert!(Files::new(&alias).perform(&job, &Recorder::default()).await.is_ok());
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_and_never_waited_for() {
    let desk = Desk::new();
    fifo(&desk.root().join("pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(desk.root().join("socket")).unwrap();
    fs::create_dir(desk.root().join("folder")).unwrap();
    desk.put("file", b"x");
    for (path, says) in [("pipe", "regular"), ("socket", "regular"), ("folder", "is a folder")] {
        let read = desk.run("file.read", json!({"path": path})).await.unwrap_err();
        assert_eq!(read.code, FailureCode::InvalidParams, "{path}");
        assert!(read.message.contains(says), "{path}: {}", read.message);
        let write = desk.write(path, "x").await.unwrap_err();
        assert_eq!(write.code, FailureCode::InvalidParams, "{path}");
        assert!(write.message.contains(says), "{path}: {}", write.message);
        assert!(desk.bind(path).is_err());
    }
    for (kind, path) in [("file.list", "file"), ("file.read", "file/x"), ("file.list", "pipe")] {
        let failed = desk.run(kind, json!({"path": path})).await.unwrap_err();
        assert_eq!(failed.code, FailureCode::InvalidParams);
        assert!(failed.message.contains("not a folder"), "{}", failed.message);
    }
    assert!(desk.write("file/x", "x").await.unwrap_err().message.contains("not a folder"));
    let kinds = desk.run("file.list", json!({})).await.unwrap();
    let kinds: Vec<_> = kinds["entries"].as_array().unwrap().iter().map(|e| &e["kind"]).collect();
    assert_eq!(kinds, ["file", "folder", "other", "other"]);
}

#[tokio::test]
async fn hard_links_are_files_and_a_write_parts_them() {
    let desk = Desk::new();
    let one = desk.put("one", b"same");
    fs::hard_link(&one, desk.root().join("two")).unwrap();
    assert_eq!(desk.run("file.read", json!({"path": "two"})).await.unwrap()["content"], "same");
    desk.write("two", "other").await.unwrap();
    assert_eq!(fs::read(one).unwrap(), b"same");
}

#[tokio::test]
async fn a_write_leaves_nothing_half_done_behind() {
    let desk = Desk::new();
    desk.put("dir/.nexus-write-left-by-a-crash", b"half");
    for n in 0..20 {
        desk.write("dir/f", &n.to_string()).await.unwrap();
    }
    assert!(desk.write("dir", "x").await.is_err());
    let on_disk = fs::read_dir(desk.root().join("dir")).unwrap().count();
    assert_eq!(on_disk, 2);
    let listed = desk.run("file.list", json!({"path": "dir"})).await.unwrap();
    assert_eq!((names(&listed), &listed["total"]), (vec!["f"], &json!(1)));
}

#[tokio::test]
async fn large_files_are_bound_and_refused_to_be_read() {
    let desk = Desk::new();
    desk.put("fits", &vec![b'x'; FILE_MAX_BYTES]);
    desk.put("large", &vec![b'x'; FILE_MAX_BYTES + 1]);
    assert_eq!(desk.run("file.read", json!({"path": "fits"})).await.unwrap()["size"], 1 << 20);
    let failed = desk.run("file.read", json!({"path": "large"})).await.unwrap_err();
    assert_eq!(failed.code, FailureCode::InvalidParams);
    assert!(failed.message.contains("1048577"), "{}", failed.message);
    assert_eq!(desk.bind("large").unwrap()[0].size, (1 << 20) + 1);
}

#[tokio::test]
async fn a_long_listing_says_that_it_is_cut_and_keeps_the_first() {
    use std::os::unix::ffi::OsStrExt as _;
    let desk = Desk::new();
    for n in 0..LIST_MAX_ENTRIES + 5 {
        desk.put(&format!("{n:05}"), b"");
    }
    desk.put("back\\slash", b"");
    let latin = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::write(desk.root().join(latin), "").unwrap();
    let listed = desk.run("file.list", json!({})).await.unwrap();
    let names = names(&listed);
    assert_eq!((names.len(), names[0], names[999]), (1000, "00000", "00999"));
    assert_eq!((&listed["truncated"], &listed["total"]), (&json!(true), &json!(1005)));
    assert_eq!(listed["unnameable"], 2);
}

#[tokio::test]
async fn a_deletion_takes_what_was_approved_and_writes_its_intent_first() {
    let desk = Desk::new();
    let file = desk.put("a/b.txt", b"old");
    let bound = desk.bind("a/b.txt").unwrap();
    let sha256 = sha256_hex(b"old");
    assert_eq!(bound, [Bound { path: "a/b.txt".into(), size: 3, sha256: sha256.clone() }]);
    let (result, recorder) = desk.delete_bound("a/b.txt", bound).await;
    assert_eq!(result.unwrap(), json!({"path": "a/b.txt", "size": 3, "sha256": sha256}));
    assert!(!file.exists());
    let intents = recorder.intents();
    assert_eq!((intents.len(), intents[0].0.as_str()), (1, "file:a/b.txt"));
    assert_eq!(
        intents[0].1,
        format!(r#"{{"path":"a/b.txt","sha256":"{sha256}","size":3}}"#).into_bytes()
    );
}

#[tokio::test]
async fn a_deletion_refuses_everything_that_was_not_approved() {
    let desk = Desk::new();
    let file = desk.put("f", b"old");
    let other = desk.put("g", b"old");
    let bound = desk.bind("f").unwrap();
    let same_bytes = desk.bind("g").unwrap();
    let both = [bound.clone(), same_bytes.clone()].concat();
    for wrong in [vec![], same_bytes, both] {
        let (result, recorder) = desk.delete_bound("f", wrong).await;
        assert_eq!(result.unwrap_err().code, FailureCode::ApprovalParamsMismatch);
        assert!(recorder.intents().is_empty());
    }

    fs::write(&file, "new").unwrap();
    let (changed, recorder) = desk.delete_bound("f", bound.clone()).await;
    let changed = changed.unwrap_err();
    assert_eq!(changed.code, FailureCode::ApprovalParamsMismatch);
    assert_eq!(changed.left, Left::Nothing);
    assert!(recorder.intents().is_empty() && file.exists());

    fs::remove_file(&file).unwrap();
    for make in [
        (|_: &Path| {}) as fn(&Path),
        |path| symlink(path.with_file_name("g"), path).unwrap(),
        |path| fs::create_dir(path).unwrap(),
        fifo,
    ] {
        make(&file);
        let (gone, recorder) = desk.delete_bound("f", bound.clone()).await;
        assert_eq!(gone.unwrap_err().code, FailureCode::ApprovalParamsMismatch);
        assert!(recorder.intents().is_empty());
        let _ = fs::remove_file(&file).or_else(|_| fs::remove_dir(&file));
    }
    assert!(other.exists());
    assert_eq!(desk.bind("f").unwrap_err()[0].code, "file_not_found");
    symlink(&other, &file).unwrap();
    assert_eq!(desk.bind("f").unwrap_err()[0].code, "invalid_path");
}

#[tokio::test]
async fn a_file_that_changes_while_the_intent_is_written_stays() {
    let changes: [fn(&Path); 4] = [
        |path| fs::write(path, "new").unwrap(),
        |path| fs::write(path, "longer than before").unwrap(),
        |path| {
            // Another file under the same name, with the same bytes.
            fs::write(path.with_extension("x"), "old").unwrap();
            fs::rename(path.with_extension("x"), path).unwrap();
        },
        |path| {
            fs::remove_file(path).unwrap();
            symlink("/etc/hostname", path).unwrap();
        },
    ];
    for change in changes {
        let desk = Desk::new();
        let file = desk.put("f", b"old");
        let mut job = testing::job(&desk.tenant, "file.delete", json!({"path": "f"}));
        job.bound = desk.bind("f").unwrap();
        // Change times tick with the kernel's clock.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let place = file.clone();
        let recorder = Recorder::then(move || change(&place));
        let failed = desk.agent.perform(&job, &recorder).await.unwrap_err();
        assert_eq!(failed.code, FailureCode::ApprovalParamsMismatch);
        assert_eq!((failed.left, recorder.intents().len()), (Left::Nothing, 1));
        assert!(fs::symlink_metadata(&file).is_ok());
    }
}

#[tokio::test]
async fn without_a_written_intent_nothing_is_deleted() {
    let desk = Desk::new();
    let file = desk.put("f", b"old");
    let mut job = testing::job(&desk.tenant, "file.delete", json!({"path": "f"}));
    job.bound = desk.bind("f").unwrap();
    let failed = desk.agent.perform(&job, &Recorder::refusing()).await.unwrap_err();
    assert_eq!(failed.code, FailureCode::InternalError);
    assert!(file.exists());
}

#[tokio::test]
async fn a_missing_data_folder_is_a_fault_of_the_disk() {
    let agent = Files::new(Path::new("/nowhere/at/all"));
    let tenant = Tenant::new("acme", "lab").unwrap();
    let job = testing::job(&tenant, "file.list", json!({}));
    let failed = agent.perform(&job, &Recorder::default()).await.unwrap_err();
    assert_eq!(failed.code, FailureCode::StorageError);
    assert!(!failed.message.contains("nowhere"));
}
