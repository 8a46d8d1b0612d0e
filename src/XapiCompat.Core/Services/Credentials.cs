using System.Security.Cryptography;
using System.Text;

namespace XapiCompat.Core.Services;

/// <summary>The local superuser's name and password; compared in constant time.</summary>
public sealed class Credentials(string user, string password)
{
    private volatile byte[] _digest = Digest(password);

    public string User { get; } = user;

    public bool Accepts(string user, string password) =>
        CryptographicOperations.FixedTimeEquals(Digest(password), _digest) & user == User;

    public void ChangePassword(string password) => _digest = Digest(password);

    private static byte[] Digest(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
