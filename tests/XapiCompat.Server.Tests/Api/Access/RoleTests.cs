using System.Text.Json.Nodes;
using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Access;

/// <summary>Users with roles, as their sessions and the classes role, subject and auth show them.</summary>
public sealed class RoleTests(RoleServer roles) : IClassFixture<RoleServer>
{
    [Theory]
    [InlineData("pool-admin")]
    [InlineData("read-only")]
    public async Task A_session_shows_its_user_and_rights(string role)
    {
        var client = await roles.LoginAsync(role);
        var record = await client.RecordAsync("session", client.Session);
        record["is_local_superuser"]!.GetValue<bool>().Should().BeFalse();
        record["auth_user_name"]!.GetValue<string>().Should().Be(role + "-user");
        var sid = record["auth_user_sid"]!.GetValue<string>();
        sid.Should().NotBeEmpty();
        var subject = await client.RecordAsync("subject", record["subject"]!.GetValue<string>());
        subject["subject_identifier"]!.GetValue<string>().Should().Be(sid);
        subject["other_config"]!["subject-name"]!.GetValue<string>().Should().Be(role + "-user");
        var permissions = Texts(record["rbac_permissions"]!);
        permissions.Should().Contain("pool.get_all_records").And.OnlyHaveUniqueItems().And.NotContain(p => p.Any(char.IsUpper));
        permissions.Contains("vm.start").Should().Be(role == "pool-admin");
        permissions.Contains("http/get_export").Should().Be(role == "pool-admin");
        permissions.Contains("vm.add_to_other_config/key:pci").Should().Be(role == "pool-admin");
        permissions.Contains("task.destroy/any").Should().Be(role == "pool-admin");
        permissions.Should().NotContain("session.change_password");
    }

    [Fact]
    public async Task A_refusal_names_the_permission_and_the_roles_that_have_it()
    {
        var client = await roles.LoginAsync("vm-operator");
        (await client.ErrorAsync("VM.destroy", SampleValues.Nowhere)).Should().Equal(
            "RBAC_PERMISSION_DENIED", "vm.destroy", "the caller has none of the roles that may: pool-admin, pool-operator, vm-power-admin, vm-admin");
        (await client.ErrorAsync("VM_destroy", SampleValues.Nowhere)).Should().StartWith(["RBAC_PERMISSION_DENIED", "vm.destroy"]);
        (await client.ErrorAsync("session.change_password", "x", "y")).Should().StartWith(["RBAC_PERMISSION_DENIED", "session.change_password"]);
        (await client.ErrorAsync("no.such_message")).Should().StartWith(["RBAC_PERMISSION_DENIED", "host.call_extension"]);
        (await (await roles.LoginAsync("pool-admin")).ErrorAsync("no.such_message")).Should().Equal("MESSAGE_METHOD_UNKNOWN", "no.such_message");
    }

    [Fact]
    public async Task Keys_of_maps_have_roles_of_their_own()
    {
        var root = await roles.Server.LoginAsync();
        var vm = await root.TextAsync("VM.create", Records.Vm("keyed"));
        var pool = (await root.ListAsync("pool.get_all"))[0];
        var vmOperator = await roles.LoginAsync("vm-operator");
        var vmAdmin = await roles.LoginAsync("vm-admin");
        await vmOperator.CallAsync("VM.add_to_other_config", vm, "folder", "/f");
        await vmOperator.CallAsync("VM.add_to_other_config", vm, "XenCenter.CustomFields.x", "1");
        await vmOperator.CallAsync("VM.remove_from_other_config", vm, "folder");
        await vmOperator.CallAsync("pool.add_to_other_config", pool, "EMPTY_FOLDERS", "x");
        (await vmOperator.ErrorAsync("VM.add_to_other_config", vm, "folders", "/f")).Should().StartWith(["RBAC_PERMISSION_DENIED", "vm.add_to_other_config"]);
        (await vmOperator.ErrorAsync("VM.add_to_other_config", vm, "pci", "x")).Should().StartWith(["RBAC_PERMISSION_DENIED", "vm.add_to_other_config/key:pci"]);
        (await vmAdmin.ErrorAsync("VM.remove_from_other_config", vm, "pci")).Should().StartWith(["RBAC_PERMISSION_DENIED", "vm.remove_from_other_config/key:pci"]);
        await vmAdmin.CallAsync("VM.add_to_other_config", vm, "own", "1");
        var readOnly = await roles.LoginAsync("read-only");
        (await readOnly.ErrorAsync("VM.add_to_other_config", vm, "XenCenter.CustomFields.y", "1"))
            .Should().StartWith(["RBAC_PERMISSION_DENIED", "vm.add_to_other_config/key:xencenter.customfields.*"]);
        var map = (await root.CallAsync("VM.get_other_config", vm)).AsObject();
        map.Select(m => m.Key).Should().Contain(["XenCenter.CustomFields.x", "own"]).And.NotContain(["folder", "pci"]);
    }

    [Fact]
    public async Task Setting_a_whole_map_asks_for_the_keys_that_change()
    {
        var root = await roles.Server.LoginAsync();
        var vm = await root.TextAsync("VM.create", Records.Vm("mapped"));
        await root.CallAsync("VM.set_other_config", vm, JsonArguments.Map(("pci", "1"), ("x", "1")));
        var admin = await roles.LoginAsync("vm-admin");
        await admin.CallAsync("VM.set_other_config", vm, JsonArguments.Map(("pci", "1"), ("x", "2")));
        foreach (var map in (JsonObject[])[JsonArguments.Map(("x", "3")), JsonArguments.Map(("pci", "2"), ("x", "3"))])
            (await admin.ErrorAsync("VM.set_other_config", vm, map)).Should().StartWith(["RBAC_PERMISSION_DENIED", "vm.add_to_other_config/key:pci"]);
        (await root.CallAsync("VM.get_other_config", vm))["x"]!.GetValue<string>().Should().Be("2");
    }

    [Fact]
    [SeesEffectOf("session.login_with_password")]
    public async Task A_user_without_a_role_and_a_wrong_password_are_told_apart()
    {
        var wire = new JsonWire(roles.Server.Http);
        (await wire.CallAsync("session.login_with_password", ["nobody", RoleServer.Password])).Error!.Take(2).Should().Equal("SESSION_AUTHORIZATION_FAILED", "nobody");
        (await wire.CallAsync("session.login_with_password", ["nobody", "wrong"])).Error!.Take(2).Should().Equal("SESSION_AUTHENTICATION_FAILED", "nobody");
        (await wire.CallAsync("session.login_with_password", ["stranger", "wrong"])).Error!.Take(2).Should().Equal("SESSION_AUTHENTICATION_FAILED", "stranger");
        (await wire.CallAsync("session.slave_local_login_with_password", ["pool-admin-user", RoleServer.Password])).Error!.Should().StartWith("SESSION_AUTHENTICATION_FAILED");
        for (var i = 0; i < 2; i++)
        {
            (await wire.CallAsync("session.login_with_password", ["hashed", "wrong"])).Error!.Should().StartWith("SESSION_AUTHENTICATION_FAILED");
            await XenClient.LoginAsync(wire, "hashed", "hashed password");
        }
    }

    [Fact]
    [SeesEffectOf("subject.create")]
    public async Task An_identifier_stands_for_one_subject()
    {
        var root = await roles.Server.LoginAsync();
        var made = await root.TextAsync("subject.create", JsonArguments.Map(("subject_identifier", "S-1-5-21-7"), ("other_config", JsonArguments.Map(("subject-name", "seven")))));
        var record = await root.RecordAsync("subject", made);
        record["subject_identifier"]!.GetValue<string>().Should().Be("S-1-5-21-7");
        record["other_config"]!["subject-name"]!.GetValue<string>().Should().Be("seven");
        (await root.TextAsync("role.get_name_label", Texts(record["roles"]!).Single())).Should().Be("pool-admin");
        foreach (var taken in new[] { "S-1-5-21-7", await TakenAsync(root) })
            (await root.ErrorAsync("subject.create", JsonArguments.Map(("subject_identifier", taken), ("other_config", JsonArguments.Map())))).Should().Equal("SUBJECT_ALREADY_EXISTS");
        await root.CallAsync("subject.destroy", made);
        await root.CallAsync("subject.destroy", await root.TextAsync("subject.create", JsonArguments.Map(("subject_identifier", "S-1-5-21-7"), ("other_config", JsonArguments.Map()))));
    }

    [Fact]
    public async Task What_hosts_say_to_each_other_is_not_for_users()
    {
        var root = await roles.Server.LoginAsync();
        var host = (await root.ListAsync("host.get_all"))[0];
        var admin = await roles.LoginAsync("pool-admin");
        (await admin.ErrorAsync("pool.audit_log_append", "a line")).Should().HaveElementAt(0, "INTERNAL_ERROR").And.HaveCount(2);
        (await admin.ErrorAsync("host.sync_vlans", host)).Should().HaveElementAt(0, "INTERNAL_ERROR");
        (await admin.ErrorAsync("VM.atomic_set_resident_on", SampleValues.Nowhere, host)).Should().HaveElementAt(0, "RBAC_PERMISSION_DENIED");
        (await (await roles.LoginAsync("read-only")).ErrorAsync("host.sync_vlans", host)).Should().HaveElementAt(0, "RBAC_PERMISSION_DENIED");
        (await root.AnswerAsync("host.sync_vlans", SampleValues.Nowhere)).Error.Should().NotContain(e => e.Contains("among themselves"));
    }

    [Fact]
    [SeesEffectOf("subject.add_to_roles", "subject.remove_from_roles", "subject.get_permissions_name_label")]
    public async Task Changed_roles_hold_from_the_next_login_on()
    {
        var root = await roles.Server.LoginAsync();
        var before = await roles.Server.LoginAsync("hashed", "hashed password");
        var subject = await root.TextAsync("session.get_subject", before.Session);
        var poolAdmin = (await root.ListAsync("role.get_by_name_label", "pool-admin"))[0];
        var vmAdmin = (await root.ListAsync("role.get_by_name_label", "vm-admin"))[0];
        (await root.ListAsync("subject.get_permissions_name_label", subject)).Should().Contain("vm.create").And.NotContain("pool.join");

        await root.CallAsync("subject.add_to_roles", subject, poolAdmin);
        (await root.ListAsync("subject.get_roles", subject)).Should().BeEquivalentTo(vmAdmin, poolAdmin);
        (await root.ListAsync("subject.get_permissions_name_label", subject)).Should().Contain("pool.join").And.OnlyHaveUniqueItems();
        (await root.ErrorAsync("subject.add_to_roles", subject, poolAdmin)).Should().Equal("ROLE_ALREADY_EXISTS");
        (await root.ErrorAsync("subject.add_to_roles", subject, subject)).Should().Equal("ROLE_NOT_FOUND");
        (await before.ErrorAsync("subject.add_to_roles", subject, poolAdmin)).Should().StartWith("RBAC_PERMISSION_DENIED", "rights are fixed at the login");
        var after = await roles.Server.LoginAsync("hashed", "hashed password");
        await after.CallAsync("subject.remove_from_roles", subject, poolAdmin);

        await root.CallAsync("subject.remove_from_roles", subject, vmAdmin);
        (await root.ErrorAsync("subject.remove_from_roles", subject, vmAdmin)).Should().Equal("ROLE_NOT_FOUND");
        (await new JsonWire(roles.Server.Http).CallAsync("session.login_with_password", ["hashed", "hashed password"])).Error!.Should().StartWith("SESSION_AUTHORIZATION_FAILED");
        await root.CallAsync("subject.add_to_roles", subject, vmAdmin);
    }

    [Fact]
    [SeesEffectOf("role.get_permissions", "role.get_permissions_name_label", "role.get_by_permission", "role.get_by_permission_name_label")]
    [SeesEffectOf("role.get_all_where", "role.get_all_records_where")]
    public async Task Roles_are_sets_of_permissions()
    {
        var client = await roles.Server.LoginAsync();
        var composite = (await client.CallAsync("role.get_all_records_where", "subroles<>[]")).AsObject();
        composite.Select(r => Text(r.Value!, "name_label")).Should().BeEquivalentTo([.. RoleServer.RoleNames, "client-cert"]);
        var permissions = (await client.CallAsync("role.get_all_records_where", "subroles=[]")).AsObject();
        permissions.Should().HaveCountGreaterThan(2200);
        permissions.Should().OnlyContain(p => p.Value!["is_internal"]!.GetValue<bool>());
        (await client.ListAsync("role.get_all_where", "subroles<>[]")).Should().BeEquivalentTo(composite.Select(r => r.Key));
        (await client.CallAsync("role.get_all_records_where", "field \"name_label\" = \"vm.start\"")).AsObject().Should().HaveCount(1);
        (await client.ListAsync("role.get_all")).Should().HaveCount(composite.Count + permissions.Count);

        var vmOperator = composite.Single(r => Text(r.Value!, "name_label") == "vm-operator");
        var leaves = await client.ListAsync("role.get_permissions", vmOperator.Key);
        leaves.Should().BeEquivalentTo(Texts(vmOperator.Value!["subroles"]!));
        (await client.ListAsync("role.get_permissions_name_label", vmOperator.Key)).Should().HaveCount(leaves.Count).And.Contain("vm.start").And.NotContain("vm.destroy");
        var start = permissions.Single(p => Text(p.Value!, "name_label") == "vm.start").Key;
        (await client.ListAsync("role.get_permissions", start)).Should().Equal(start);
        var with = await client.ListAsync("role.get_by_permission", start);
        with.Select(r => Text(composite[r]!, "name_label")).Should().BeEquivalentTo("pool-admin", "pool-operator", "vm-power-admin", "vm-admin", "vm-operator");
        (await client.ListAsync("role.get_by_permission_name_label", "vm.start")).Should().BeEquivalentTo(with);
        (await client.ListAsync("role.get_by_permission_name_label", "nothing")).Should().BeEmpty();
    }

    [Fact]
    [SeesEffectOf("auth.get_subject_identifier", "auth.get_subject_information_from_identifier", "auth.get_group_membership")]
    public async Task Local_users_are_the_directory()
    {
        var client = await roles.LoginAsync("read-only");
        var sid = await client.TextAsync("auth.get_subject_identifier", "vm-admin-user");
        (await client.CallAsync("auth.get_subject_information_from_identifier", sid))["subject-name"]!.GetValue<string>().Should().Be("vm-admin-user");
        (await client.ListAsync("auth.get_group_membership", sid)).Should().BeEmpty();
        (await client.ErrorAsync("auth.get_subject_identifier", "stranger")).Should().Equal("SUBJECT_CANNOT_BE_RESOLVED");
        (await client.ErrorAsync("auth.get_group_membership", "stranger")).Should().Equal("SUBJECT_CANNOT_BE_RESOLVED");
    }

    [Fact]
    [SeesEffectOf("session.get_all_subject_identifiers", "session.logout_subject_identifier")]
    public async Task All_sessions_of_a_user_can_be_ended()
    {
        var root = await roles.Server.LoginAsync();
        var users = new[] { await roles.LoginAsync("vm-power-admin"), await roles.LoginAsync("vm-power-admin") };
        var sid = await root.TextAsync("session.get_auth_user_sid", users[0].Session);
        (await root.ListAsync("session.get_all_subject_identifiers")).Should().Contain(sid).And.NotContain("").And.OnlyHaveUniqueItems();
        await root.CallAsync("session.logout_subject_identifier", sid);
        foreach (var user in users)
            (await user.ErrorAsync("pool.get_all")).Should().Equal("SESSION_INVALID", user.Session);
        (await root.ListAsync("session.get_all_subject_identifiers")).Should().NotContain(sid);
        await root.CallAsync("session.logout_subject_identifier", "");
        (await root.ListAsync("pool.get_all")).Should().HaveCount(1, "the superuser stays");
    }

    [Fact]
    public async Task Tasks_belong_to_their_user_and_to_operators_of_the_pool()
    {
        var owner = await roles.LoginAsync("vm-admin");
        var same = await roles.LoginAsync("vm-admin");
        var other = await roles.LoginAsync("vm-power-admin");
        var poolOperator = await roles.LoginAsync("pool-operator");
        var task = await owner.TextAsync("task.create", "owned", "");
        (await other.CallAsync("task.get_record", task)).Should().NotBeNull("everybody sees all tasks");
        foreach (var (message, arguments) in new (string, object?[])[]
        {
            ("task.cancel", []), ("task.destroy", []), ("task.set_status", ["success"]), ("task.set_progress", [0.5]), ("task.set_result", ["x"]),
            ("task.set_error_info", [new[] { "x" }]), ("task.add_to_other_config", ["k", "v"]), ("task.remove_from_other_config", ["k"]),
            ("task.set_other_config", [JsonArguments.Map(("k", "v"))]),
        })
            (await other.ErrorAsync(message, [task, .. arguments])).Should().StartWith(["RBAC_PERMISSION_DENIED", "task.destroy/any"], message);
        await same.CallAsync("task.set_progress", task, 0.5);
        await poolOperator.CallAsync("task.set_status", task, "success");
        await poolOperator.CallAsync("task.destroy", task);
        (await owner.ErrorAsync("task.get_status", task)).Should().StartWith("HANDLE_INVALID");
    }

    [Fact]
    public async Task A_transfer_cannot_take_the_task_of_another()
    {
        var owner = await roles.LoginAsync("vm-admin");
        var other = await roles.LoginAsync("vm-power-admin");
        var task = await owner.TextAsync("task.create", "owned", "");
        var answer = await PlainHttp.SendAsync(roles.Server.Http, HttpMethod.Get, $"/export_raw_vdi?session_id={other.Session}&task_id={task}&vdi={SampleValues.Nowhere}");
        answer.Status.Should().Be(403);
        (await owner.TextAsync("task.get_status", task)).Should().Be("pending");
    }

    private static async Task<string> TakenAsync(XenClient root) =>
        (await root.CallAsync("subject.get_all_records")).AsObject().Select(p => p.Value!["subject_identifier"]!.GetValue<string>()).First(i => i != "S-1-5-21-7");

    private static string Text(JsonNode record, string field) => record[field]!.GetValue<string>();

    private static List<string> Texts(JsonNode array) => [.. array.AsArray().Select(i => i!.GetValue<string>())];
}
