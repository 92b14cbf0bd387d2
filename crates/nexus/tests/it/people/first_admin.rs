//! The first admin comes in by a link that only the terminal shows.

use nexus_testkit::{PASSWORD, World, token_of};
use serde_json::json;

#[tokio::test]
async fn the_link_of_the_start_makes_the_first_admin() {
    let mut world = World::start().await;
    let link = world.first_admin_link().expect("nobody is an admin yet");
    let token = token_of(&link).to_owned();
    let nobody = world.nobody();
    let looked = nobody.post("/auth/link", &json!({"token": token})).await;
    assert_eq!(looked.expect(200)["purpose"], "first_admin");
    assert_eq!(looked.json["email"], json!(null));

    let body =
        json!({"token": token, "email": "Mina@Example.com", "name": "미나", "password": PASSWORD});
    let signed = nobody.post("/auth/redeem", &body).await;
    let signed = signed.expect(200);
    assert_eq!(signed["user"]["email"], "mina@example.com");
    assert_eq!(
        signed["memberships"],
        json!([{"org_id": "default", "project_id": "default", "title": "Default",
            "role": "admin", "paused": false}])
    );
    let mina = world.somebody(signed);
    let me = mina.get("/me").await;
    assert_eq!(me.expect(200)["user"]["name"], "미나");
    mina.client.of("default:default").get("/users").await.expect(200);

    nobody.post("/auth/redeem", &body).await.refused(404, "link_invalid");
    nobody.post("/auth/link", &json!({"token": token})).await.refused(404, "link_invalid");
    world.restart().await;
    assert_eq!(world.first_admin_link(), None, "there is an admin now");
    mina.get("/me").await.expect(200);
    world.finish().await;
}
