using System.Text;
using XapiCompat.Core.Access;

namespace XapiCompat.Server;

/// <summary>
/// The superuser's password between starts: what a client set lies as a salted hash in the state directory. A password
/// given at the start wins for as long as that server runs.
/// </summary>
internal static class PasswordFile
{
    public static Credentials Credentials(StateDirectory state, ServerOptions options, IReadOnlyList<LocalUser> users) =>
        new(options.User, Initial(state.Password, options.Password), users, hash => Write(state.Password, hash));

    private static PasswordCheck Initial(string path, string? given)
    {
        if (given is not null)
            return PasswordCheck.Plain(given);
        if (!File.Exists(path))
            return PasswordCheck.Plain(ServerOptions.DefaultPassword);
        try
        {
            return PasswordCheck.Parse(File.ReadAllText(path).Trim()) ?? throw new StartFailure("the password file is damaged; delete it or give --password: " + path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartFailure("the password file cannot be read: " + e.Message);
        }
    }

    private static void Write(string path, string hash)
    {
        var next = path + ".new";
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var file = new FileStream(next, options))
        {
            file.Write(Encoding.ASCII.GetBytes(hash + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(next, path, overwrite: true);
    }
}
