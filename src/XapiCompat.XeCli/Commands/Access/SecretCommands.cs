using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Access;

/// <summary>Secrets, which stand for passwords by their uuid.</summary>
public static class SecretCommands
{
    [XeCommand("secret-create")]
    public static Task CreateAsync(XeCall call) => call.CreateAsync(
        "secret.create", XenStruct.Of(("value", call.Parameters.Required("value")), ("other_config", call.Parameters.Struct("other-config"))));

    [XeCommand("secret-destroy")]
    public static Task DestroyAsync(XeCall call) => call.ActAsync("secret.destroy");
}
