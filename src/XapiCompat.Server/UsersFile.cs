using System.Text.Json;
using XapiCompat.Core.Access;
using XapiCompat.Datamodel;

namespace XapiCompat.Server;

/// <summary>The file of local users; docs/users.md describes it.</summary>
internal static class UsersFile
{
    private static readonly string[] Members = ["name", "role", "password", "password_hash"];

    /// <summary>Reads the file; throws <see cref="StartFailure"/> with the first thing that is wrong.</summary>
    public static IReadOnlyList<LocalUser> Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(path), new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("users", out var list) || list.ValueKind != JsonValueKind.Array)
                throw new StartFailure("it has no list \"users\"");
            var users = list.EnumerateArray().Select(Read).ToList();
            if (users.GroupBy(u => u.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
                throw new StartFailure("it names " + twice.Key + " twice");
            return users;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or StartFailure)
        {
            throw new StartFailure("the users file " + path + " cannot be used: " + e.Message);
        }
    }

    private static LocalUser Read(JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object)
            throw new StartFailure("a user is not an object");
        if (entry.EnumerateObject().FirstOrDefault(m => !Members.Contains(m.Name)) is { Value.ValueKind: not JsonValueKind.Undefined } unknown)
            throw new StartFailure("a user has an unknown member " + unknown.Name);
        var name = Text(entry, "name") is { Length: > 0 } given ? given : throw new StartFailure("a user has no name");
        if (name == "root")
            throw new StartFailure("root is not a user of the file: --password sets its password");
        var role = Text(entry, "role");
        if (role is not null && Roles.Find(role) is RoleSet.None or RoleSet.ClientCert)
            throw new StartFailure(name + " has the unknown role " + role);
        return new(name, role, Password(name, Text(entry, "password"), Text(entry, "password_hash")));
    }

    private static PasswordCheck Password(string name, string? plain, string? hash) => (plain, hash) switch
    {
        ({ Length: > 0 }, null) => PasswordCheck.Plain(plain),
        (null, not null) => PasswordCheck.Parse(hash) ?? throw new StartFailure("the password_hash of " + name + " is not of the form pbkdf2-sha256$ITERATIONS$SALT$HASH"),
        _ => throw new StartFailure(name + " needs either a password or a password_hash"),
    };

    private static string? Text(JsonElement entry, string member) =>
        !entry.TryGetProperty(member, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw new StartFailure("the member " + member + " of a user is not text");
}
