//! The table of routes against the router, the description and what each route answers.

use std::collections::BTreeSet;

use nexus::routes::{ACCESS, Access};
use nexus_testkit::{Answer, Client, World};
use serde_json::{Value, json};

/// A path with ids in its places.
fn filled(path: &str) -> String {
    path.replace("{task_id}", "tsk_019b76daa80078578c6fae6d9b6f3b4a")
        .replace("{ask_id}", "ask_019b76daa80078578c6fae6d9b6f3b4a")
        .replace("{alert_id}", "alr_019b76daa80078578c6fae6d9b6f3b4a")
        .replace("{route}", "ops")
        .replace("{key_id}", "key_019b76daa80078578c6fae6d9b6f3b4a")
        .replace("{user_id}", "usr_019b76daa80078578c6fae6d9b6f3b4a")
        .replace("{session_id}", "ses_019b76daa80078578c6fae6d9b6f3b4a")
        .replace("{operation_id}", "op_019b76daa80078578c6fae6d9b6f3b4a")
        .replace("{org}/{project}", "default/default")
        .replace("{box}", "dlq")
        .replace("{attempt}", "1")
        .replace("{code}", "PROVIDER_TIMEOUT")
        .replace("{file}", "swagger-ui.css")
        .replace("{name}", "envelope.json")
        .replace("{command_type}", "test.echo")
}

async fn call(client: &Client, method: &str, path: &str) -> Answer {
    let request = client.request(method, &filled(path));
    match method {
        "GET" | "DELETE" => client.send(request).await,
        _ => client.send_json(request, &json!({})).await,
    }
}

fn table() -> BTreeSet<(String, String)> {
    ACCESS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect()
}

#[test]
fn every_route_is_in_the_table_once() {
    assert_eq!(table().len(), ACCESS.len());
}

#[test]
fn every_route_of_the_code_is_in_the_table() {
    let here = env!("CARGO_MANIFEST_DIR");
    let mut routed = BTreeSet::new();
    for file in [
        "src/routes.rs",
        "../nexus-ops/src/http.rs",
        "../nexus-ops/src/http/docs.rs",
        "../nexus-ops/src/http/runbooks.rs",
        "../nexus-ui/src/http.rs",
    ] {
        let code = std::fs::read_to_string(format!("{here}/{file}")).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap();
        let code: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
        for route in code.split(".route(").skip(1) {
            let route = route.trim_start().strip_prefix('"').expect("a route is a literal");
            let (path, handlers) = route.split_once('"').unwrap();
            let depth = handlers.char_indices().scan(1, |depth, (at, c)| {
                *depth += i32::from(c == '(') - i32::from(c == ')');
                Some((at, *depth))
            });
            let end = depth.filter(|(_, depth)| *depth == 0).map(|(at, _)| at).next().unwrap();
            let mut found = 0;
            for method in ["get", "post", "put", "delete", "patch", "any", "head"] {
                for before in [' ', '.', '('] {
                    let count = handlers[..end].matches(&format!("{before}{method}(")).count();
                    for _ in 0..count {
                        found += 1;
                        routed.insert((method.to_uppercase(), path.to_owned()));
                    }
                }
            }
            assert!(found > 0, "no method was read of {path}: {}", &handlers[..end]);
        }
    }
    assert_eq!(routed, table());
}

#[tokio::test]
async fn the_description_has_every_route_and_its_refusals() {
    let world = World::start().await;
    let api = world.service().stranger().without_tenant().get("/openapi.json").await;
    let api = api.expect(200).clone();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut described = BTreeSet::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let access = ACCESS.iter().find(|(m, p, _)| *m == method && p == path);
            let (.., access) = access.unwrap_or_else(|| panic!("{method} {path} is in no table"));
            let public = *access == Access::Public;
            // A wrong password is the one 401 that needs no key.
            let unproven = public && path != "/auth/login";
            assert_eq!(operation["responses"]["401"].is_null(), unproven, "401 of {method} {path}");
            let secured = operation["security"].as_array().is_some_and(|list| {
                list.iter().any(|one| one.as_object().is_some_and(|one| !one.is_empty()))
            });
            assert_eq!(secured, !public, "security of {method} {path}");
            assert!(operation["summary"].is_string() || operation["description"].is_string());
            described.insert((method, path.clone()));
        }
    }
    let undescribed: Vec<_> = table().difference(&described).cloned().collect();
    // What the page itself loads.
    let of_itself = [("GET", "/docs/"), ("GET", "/docs/{file}"), ("GET", "/ui/")];
    for (method, path) in &undescribed {
        assert!(of_itself.contains(&(method, path)), "{method} {path} is not described");
    }
    world.finish().await;
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    let world = World::start().await;
    let api = world.service().get("/openapi.json").await.expect(200).clone();
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    found.push(to.clone());
                }
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&api, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("references are local");
        assert!(api.pointer(pointer).is_some(), "{reference}");
    }
    world.finish().await;
}

#[tokio::test]
async fn strangers_get_nowhere_but_to_what_is_public() {
    let world = World::start().await;
    for (method, path, access) in ACCESS {
        let answer = call(&world.service().stranger(), method, path).await;
        match access {
            Access::Public if *path == "/docs/" => assert_eq!(answer.status, 308),
            // What must be sent is missing, and that is all that is wrong.
            Access::Public if *method == "POST" => drop(answer.refused(422, "invalid_fields")),
            Access::Public => assert_eq!(answer.status, 200, "{method} {path}"),
            Access::Person => drop(answer.refused(401, "session_missing")),
            _ => drop(answer.refused(401, "key_missing")),
        }
        let wrong = call(&world.service().with_key("nobody-has-this"), method, path).await;
        if *access != Access::Public {
            wrong.refused(401, "key_invalid");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn a_key_of_too_low_a_role_is_refused() {
    let world = World::start().await;
    let agent = world.agent(&["test.echo"]).await.client;
    let (_, program) = world.tenant_key("default:default").await;
    for (method, path, access) in ACCESS {
        let too_low: &[Client] = match access {
            Access::Public => &[],
            Access::Viewer | Access::Operator => std::slice::from_ref(&agent),
            Access::Approver | Access::Admin => &[agent.clone(), program.clone(), world.service()],
            Access::Agent => &[program.clone(), world.service(), world.admin()],
            Access::Person => &[agent.clone(), program.clone(), world.service(), world.admin()],
            Access::PlatformKey => &[agent.clone(), program.clone()],
            Access::PlatformAdmin => &[agent.clone(), program.clone(), world.service()],
        };
        for client in too_low {
            let answer = call(client, method, path).await;
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.json);
            answer.problem(403);
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn a_key_of_another_tenant_is_refused() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let agent = world.agent_of("other:team", &["test.echo"]).await.client.of("default:default");
    let (_, program) = world.tenant_key("other:team").await;
    let program = program.of("default:default");
    for (method, path, access) in ACCESS {
        let client = match access {
            Access::Public | Access::Person | Access::PlatformKey | Access::PlatformAdmin => {
                continue;
            }
            Access::Agent => &agent,
            _ => &program,
        };
        call(client, method, path).await.refused(403, "not_a_member");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_key_that_is_high_enough_gets_past_the_door() {
    let world = World::start().await;
    world.user("mina@example.com", "viewer").await;
    let agent = world.agent(&["test.echo"]).await.client;
    let (_, program) = world.tenant_key("default:default").await;
    for (method, path, access) in ACCESS {
        if *path == "/agent/reports/stream" {
            continue;
        }
        let client = match access {
            // One of these signs out.
            Access::Person => &world.sign_in("mina@example.com").await.client,
            Access::Viewer | Access::Operator => &program,
            Access::Agent => &agent,
            Access::PlatformKey => &world.service().without_tenant(),
            Access::Public | Access::Approver | Access::Admin => &world.admin(),
            Access::PlatformAdmin => &world.admin().without_tenant(),
        };
        let answer = call(client, method, path).await;
        assert!(
            !matches!(answer.status, 401 | 403 | 405 | 500),
            "{method} {path}: {}",
            answer.json
        );
    }
    world.finish().await;
}

/// The lowest role of a person that a route takes; none where no person may come.
fn lowest(access: Access) -> Option<usize> {
    match access {
        Access::Public | Access::Person | Access::Viewer => Some(0),
        Access::Operator => Some(1),
        Access::Approver => Some(2),
        Access::Admin => Some(3),
        Access::Agent | Access::PlatformKey | Access::PlatformAdmin => None,
    }
}

#[tokio::test]
async fn each_role_opens_its_routes_and_no_others() {
    let world = World::start().await;
    let mut people = Vec::new();
    for role in ["viewer", "operator", "approver", "admin"] {
        people.push(world.user(&format!("{role}@example.com"), role).await);
    }
    for (method, path, access) in ACCESS {
        for (role, who) in people.iter().enumerate() {
            if *path == "/agent/reports/stream" || *path == "/auth/logout" {
                continue;
            }
            let answer = call(who, method, path).await;
            let may = lowest(*access).is_some_and(|lowest| role >= lowest);
            let refused = answer.status == 403;
            assert_eq!(refused, !may, "{method} {path} by {role}: {}", answer.json);
            assert!(!matches!(answer.status, 401 | 500), "{method} {path}: {}", answer.json);
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn an_admin_of_another_tenant_is_nobody_here() {
    let world = World::start().await;
    world.tenant("other:team").await;
    let boss = world.user_of("other:team", "boss@example.com", "admin").await;
    let here = boss.client.of("default:default");
    for (method, path, access) in ACCESS {
        let code = match access {
            Access::Public | Access::Person => continue,
            Access::Agent | Access::PlatformKey | Access::PlatformAdmin => "forbidden",
            _ => "not_a_member",
        };
        call(&here, method, path).await.refused(403, code);
    }
    world.finish().await;
}
