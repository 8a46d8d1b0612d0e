using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Access;

/// <summary>Users and groups of an external directory, and their roles.</summary>
public static class SubjectCommands
{
    [XeCommand("subject-add")]
    public static async Task AddAsync(XeCall call)
    {
        var identifier = await call.Api.TextAsync("auth.get_subject_identifier", call.Parameters.Required("subject-name"));
        await call.CreateAsync("subject.create", XenStruct.Of(("subject_identifier", identifier), ("other_config", XenStruct.Empty)));
    }

    [XeCommand("subject-remove")]
    public static async Task RemoveAsync(XeCall call) => await call.Api.CallAsync("subject.destroy", await call.RefAsync("subject", "subject-uuid"));

    [XeCommand("subject-role-add")]
    public static async Task AddRoleAsync(XeCall call)
    {
        var role = await RoleAsync(call);
        await call.ActAsync("subject.add_to_roles", role);
    }

    [XeCommand("subject-role-remove")]
    public static async Task RemoveRoleAsync(XeCall call)
    {
        var role = await RoleAsync(call);
        await call.ActAsync("subject.remove_from_roles", role);
    }

    private static async Task<string> RoleAsync(XeCall call)
    {
        var uuid = call.Parameters.Text("role-uuid");
        var name = call.Parameters.Text("role-name");
        if (uuid.Length == 0 && name.Length == 0)
            throw new XeException("Required parameter not found: role-uuid or role-name");
        if (uuid.Length > 0 && name.Length > 0)
            throw new XeException("Parameters role-uuid and role-name cannot be used together");
        if (uuid.Length > 0)
            return await call.Api.ByUuidAsync("role", uuid);
        var roles = await call.Api.ListAsync("role.get_by_name_label", name);
        return roles.Count > 0 ? roles[0] : Ref.Null.Text;
    }
}
