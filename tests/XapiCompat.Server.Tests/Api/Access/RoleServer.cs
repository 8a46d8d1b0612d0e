using System.Text.Json.Nodes;
using XapiCompat.Datamodel;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Access;

/// <summary>A server with a local user for every role, each called like its role with "-user" behind, and some odd ones.</summary>
public sealed class RoleServer : IAsyncLifetime
{
    public const string Password = "a password";

    /// <summary>PBKDF2-SHA256 of "hashed password", 1000 rounds.</summary>
    private const string Hash = "pbkdf2-sha256$1000$c2FsdHNhbHRzYWx0$KZ5c/tFZnuhm6uTJjI/bFXFh14Rtox8oKr1VTVlFm4U=";

    public static IReadOnlyList<string> RoleNames { get; } = [.. Roles.Names.Where(n => n != "client-cert")];

    public RunningServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var users = RoleNames.Select(r => JsonArguments.Map(("name", r + "-user"), ("role", r), ("password", Password)))
            .Append(JsonArguments.Map(("name", "nobody"), ("password", Password)))
            .Append(JsonArguments.Map(("name", "hashed"), ("role", "vm-admin"), ("password_hash", Hash)));
        var directory = Directory.CreateTempSubdirectory("xapicompat-users-");
        var file = Path.Combine(directory.FullName, "users.json");
        await File.WriteAllTextAsync(file, new JsonObject { ["users"] = JsonArguments.Array(users) }.ToJsonString());
        Server = await RunningServer.CreateAsync(options => options with { Users = file });
        _directory = directory;
    }

    private DirectoryInfo? _directory;

    public Task<XenClient> LoginAsync(string role) => Server.LoginAsync(role + "-user", Password);

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        _directory?.Delete(recursive: true);
    }
}
