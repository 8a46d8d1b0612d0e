using System.Collections.Frozen;

namespace XapiCompat.Core.Access;

/// <summary>A local user beside the superuser.</summary>
/// <param name="Role">Null for a user that is known and may do nothing.</param>
public sealed record LocalUser(string Name, string? Role, PasswordCheck Password)
{
    /// <summary>The identifier of the user's subject, which no directory gives out.</summary>
    public string SubjectIdentifier => IdentifierPrefix + Name;

    public const string IdentifierPrefix = "local-user:";
}

/// <summary>Names and passwords: the local superuser's and those of the users file.</summary>
public sealed class Credentials
{
    private readonly FrozenDictionary<string, LocalUser> _users;
    private readonly Action<string>? _keep;
    private volatile PasswordCheck _password;

    /// <param name="keep">Writes the hash of a changed superuser's password, so that it outlives the process.</param>
    public Credentials(string superuser, PasswordCheck password, IReadOnlyList<LocalUser> users, Action<string>? keep)
    {
        Superuser = superuser;
        _password = password;
        _users = users.ToFrozenDictionary(u => u.Name, StringComparer.Ordinal);
        _keep = keep;
    }

    public string Superuser { get; }

    public IEnumerable<LocalUser> Users => _users.Values;

    public LocalUser? Find(string name) => _users.GetValueOrDefault(name);

    /// <summary>True when name and password belong together.</summary>
    public async ValueTask<bool> AcceptsAsync(string user, string password)
    {
        if (user == Superuser)
            return await _password.AcceptsAsync(password);
        return Find(user) is { } known && await known.Password.AcceptsAsync(password);
    }

    /// <summary>Changes the superuser's password at once and for the next start.</summary>
    public async ValueTask ChangePasswordAsync(string password)
    {
        if (_keep is not null)
            await Task.Run(() => _keep(PasswordCheck.Hash(password)));
        _password = PasswordCheck.Plain(password);
    }
}
