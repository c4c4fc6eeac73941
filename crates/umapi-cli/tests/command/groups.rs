//! `umapi groups`: create, change and delete user groups.

use crate::stage::Stage;

#[test]
fn user_group_is_created_changed_and_deleted() {
    let stage = Stage::new();
    stage.umapi(["groups", "create", "Draw", "--description", "All", "--add-profile", "Photoshop"]).done();
    stage.umapi(["groups", "create", "Draw"]).with_code(1).saying("1 rejected");
    stage.umapi(["groups", "create", "draw", "--if-exists", "ignore"]).done();
    stage.umapi(["groups", "update", "Draw", "--name", "Drawing", "--remove-profile", "Photoshop"]).done();
    stage.umapi(["groups", "get", "Draw"]).with_code(1);
    stage.umapi(["groups", "get", "Drawing"]).done();
    stage.umapi(["groups", "delete", "Drawing"]).with_code(2);
    stage.umapi(["groups", "delete", "Drawing", "--yes", "--dry-run"]).done();
    stage.umapi(["groups", "delete", "Drawing", "--yes"]).done();
    stage.umapi(["groups", "get", "Drawing"]).with_code(1);
    stage.umapi(["groups", "update", "Design"]).with_code(2);
}
