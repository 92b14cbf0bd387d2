//! The built program behind nginx, haproxy and Caddy, as `deploy/` configures them, judged by the
//! conformance kit over TLS with HTTP/1.1 and HTTP/2. The proxies are Debian's; one that is not
//! installed fails its test. `script/test` installs them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod process;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use process::{Home, PATIENCE, SERVICE_KEY, Server, nexus};
use serde_json::Value;

/// A port that is free, from below those that the system hands out: proxies cannot say which one they
/// took, and until they take it no other program may be given it.
fn free_port() -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 6_000).unwrap() * 2;
    let mut ports = (first..32_000).chain(20_000..first);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

fn sample(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    std::fs::read_to_string(root.join("deploy").join(path)).unwrap()
}

/// Replaces what a sample leaves to whoever uses it; it must be there.
fn with(config: String, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(config, |config, (what, by)| {
        assert!(config.contains(what), "{what:?} is not in the sample any more");
        config.replace(what, by)
    })
}

/// A certificate authority, and a certificate of it for this machine.
struct Certificates {
    authority: PathBuf,
    chain: PathBuf,
    key: PathBuf,
}

impl Certificates {
    fn make(dir: &Path) -> Self {
        let openssl = |args: &[&str]| {
            let run = Command::new("openssl").args(args).current_dir(dir).output();
            let run = run.unwrap_or_else(|error| panic!("openssl: {error}"));
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        };
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let authority = ["req", "-x509", "-days", "2", "-subj", "/CN=authority of a test"];
        let files = ["-keyout", "authority.key", "-out", "authority.pem"];
        openssl(&[&authority[..], &new_key[..], &files[..]].concat());
        let request =
            ["req", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem"];
        openssl(&[&request[..], &new_key[..]].concat());
        std::fs::write(
            dir.join("names"),
            "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n\
             extendedKeyUsage=serverAuth\n",
        )
        .unwrap();
        openssl(&[
            "x509",
            "-req",
            "-in",
            "request.pem",
            "-CA",
            "authority.pem",
            "-CAkey",
            "authority.key",
            "-set_serial",
            "1",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            "chain.pem",
        ]);
        Self {
            authority: dir.join("authority.pem"),
            chain: dir.join("chain.pem"),
            key: dir.join("key.pem"),
        }
    }
}

/// A NEXUS, and where a proxy finds it.
struct Behind {
    home: Home,
    _server: Server,
    address: SocketAddr,
    certificates: Certificates,
}

impl Behind {
    fn start() -> Self {
        let home = Home::new();
        // The kit opens more in a minute than one program should.
        let mut server = Server::spawn(home.path(), 0, &[("STREAM_OPENS_PER_MINUTE", "100000")]);
        let address = server.ready();
        let certificates = Certificates::make(home.path());
        Self { home, _server: server, address, certificates }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs the kit through a proxy and returns the checks that do not hold, with what was seen;
    /// at least `least` must hold.
    fn faults(&self, proxy: &Proxy, least: u64, more: &[&str]) -> Vec<(String, Value)> {
        let url = format!("https://localhost:{}", proxy.port);
        let run = nexus(self.home.path())
            .args(["stream", "check", "--url", &url, "--yes", "--json"])
            .args(more)
            .env("NEXUS_API_KEY", SERVICE_KEY)
            .env("SSL_CERT_FILE", &self.certificates.authority)
            .output()
            .unwrap();
        let out = String::from_utf8(run.stdout).unwrap();
        let lines: Vec<Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let over = lines.last().unwrap_or_else(|| {
            panic!("the kit said nothing: {}", String::from_utf8_lossy(&run.stderr))
        });
        assert_eq!(over["event"], "done", "{out}");
        assert_eq!(run.status.code(), Some(if over["failed"] == 0 { 0 } else { 1 }), "{out}");
        assert!(over["held"].as_u64() >= Some(least), "{out}");
        let faults = lines.iter().filter(|line| line["outcome"] == "fails");
        faults.map(|line| (line["name"].as_str().unwrap().to_owned(), line.clone())).collect()
    }

    /// Holds that the kit finds nothing, over both versions of HTTP.
    fn is_sound(&self, proxy: &Proxy) {
        assert_eq!(self.faults(proxy, 36, &["--quick"]), [], "over HTTP/1.1");
        assert_eq!(self.faults(proxy, 35, &["--quick", "--http2"]), [], "over HTTP/2");
    }
}

/// A proxy's process; told to end when dropped, and waited for.
struct Proxy {
    child: Child,
    port: u16,
}

impl Proxy {
    fn start(program: &str, args: &[&str], home: &Path, port: u16) -> Self {
        // Where Debian has daemons, and where the shells of people often do not look.
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let log = std::fs::File::create(home.join("proxy.log")).unwrap();
        let child = Command::new(program)
            .args(args)
            .env("PATH", path)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home)
            .env("XDG_CONFIG_HOME", home)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; script/test installs it"));
        let mut proxy = Self { child, port };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let said = || std::fs::read_to_string(home.join("proxy.log")).unwrap_or_default();
            let ended = proxy.child.try_wait().unwrap();
            assert!(ended.is_none(), "{program} ended: {ended:?}\n{}", said());
            assert!(started.elapsed() < PATIENCE, "{program} does not listen\n{}", said());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // nginx has children of its own: it must end them.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < PATIENCE {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// nginx with the sample, changed so.
fn nginx(behind: &Behind, changes: &[(&str, &str)]) -> Proxy {
    let (home, port) = (behind.home.path(), free_port());
    let certificates = &behind.certificates;
    let site = with(
        sample("nginx/nexus.conf"),
        &[
            ("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl")),
            ("server_name nexus.example.com;", "server_name localhost;"),
            ("/etc/ssl/nexus/fullchain.pem", certificates.chain.to_str().unwrap()),
            ("/etc/ssl/nexus/privkey.pem", certificates.key.to_str().unwrap()),
            ("127.0.0.1:8000", &behind.address.to_string()),
        ],
    );
    let site = behind.file("site.conf", &with(site, changes));
    let here = home.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {here}/{name};\n"))
        .concat();
    let config = format!(
        "user root;\nworker_processes 1;\ndaemon off;\npid {here}/nginx.pid;\nerror_log stderr;\n\
         events {{}}\nhttp {{\ninclude /etc/nginx/mime.types;\naccess_log off;\n{temporary}\
         include {};\n}}\n",
        site.display()
    );
    let config = behind.file("nginx.conf", &config);
    Proxy::start("nginx", &["-e", "stderr", "-c", config.to_str().unwrap()], home, port)
}

/// haproxy with the sample.
fn haproxy(behind: &Behind) -> Proxy {
    let (home, port) = (behind.home.path(), free_port());
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let both = read(&behind.certificates.chain) + &read(&behind.certificates.key);
    let pem = behind.file("nexus.pem", &both);
    let config = with(
        sample("haproxy/nexus.cfg"),
        &[
            ("bind :443", &format!("bind 127.0.0.1:{port}")),
            ("/etc/haproxy/nexus.pem", pem.to_str().unwrap()),
            ("127.0.0.1:8000", &behind.address.to_string()),
        ],
    );
    let config = behind.file("haproxy.cfg", &config);
    Proxy::start("haproxy", &["-db", "-f", config.to_str().unwrap()], home, port)
}

/// Caddy with the sample, changed so.
fn caddy(behind: &Behind, changes: &[(&str, &str)]) -> Proxy {
    let (home, port) = (behind.home.path(), free_port());
    let (chain, key) = (behind.certificates.chain.display(), behind.certificates.key.display());
    let site = format!("https://localhost:{port} {{\n\ttls {chain} {key}\n");
    let config = with(
        sample("caddy/Caddyfile"),
        &[("nexus.example.com {\n", &site), ("127.0.0.1:8000", &behind.address.to_string())],
    );
    let options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers {\n\t\tprotocols h1 h2\n\t}\n}\n";
    let config = behind.file("Caddyfile", &format!("{options}{}", with(config, changes)));
    let args = ["run", "--adapter", "caddyfile", "--config", config.to_str().unwrap()];
    Proxy::start("caddy", &args, home, port)
}

#[test]
fn behind_nginx_the_stream_is_what_it_is() {
    let behind = Behind::start();
    let proxy = nginx(&behind, &[]);
    behind.is_sound(&proxy);
}

#[test]
fn behind_haproxy_the_stream_is_what_it_is() {
    let behind = Behind::start();
    let proxy = haproxy(&behind);
    behind.is_sound(&proxy);
}

#[test]
fn behind_caddy_the_stream_is_what_it_is() {
    let behind = Behind::start();
    let proxy = caddy(&behind, &[]);
    behind.is_sound(&proxy);
}

/// The names of the checks of how streams open that do not hold.
fn at_the_opening(behind: &Behind, proxy: &Proxy) -> Vec<String> {
    let faults = behind.faults(proxy, 0, &["--only", "opening", "--patience", "3"]);
    faults.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn the_kit_finds_a_proxy_that_compresses_streams() {
    let behind = Behind::start();
    let proxy = nginx(&behind, &[("gzip off;", "")]);
    assert_eq!(at_the_opening(&behind, &proxy), ["opening.uncompressed"]);
}

#[test]
fn the_kit_finds_a_caddy_that_compresses_everything() {
    let behind = Behind::start();
    let proxy = caddy(&behind, &[("encode @compressible", "encode")]);
    let found = at_the_opening(&behind, &proxy);
    assert_eq!(found, ["opening.first_bytes", "opening.uncompressed"]);
}

#[test]
fn the_kit_finds_a_proxy_that_holds_streams_back() {
    let behind = Behind::start();
    let change = ("proxy_buffering off;", "proxy_ignore_headers X-Accel-Buffering;");
    let proxy = nginx(&behind, &[change]);
    assert_eq!(at_the_opening(&behind, &proxy), ["opening.first_bytes"]);
}
