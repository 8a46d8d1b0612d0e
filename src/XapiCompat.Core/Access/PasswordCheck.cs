using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XapiCompat.Core.Access;

/// <summary>
/// Tells whether a password is the right one. A hashed password costs its full key derivation once; after the first right
/// guess a keyed digest in memory answers for it.
/// </summary>
public sealed class PasswordCheck
{
    private const string Scheme = "pbkdf2-sha256";
    private const int Iterations = 600_000;
    private const int SaltBytes = 16;
    private const int HashBytes = 32;
    private const int MostIterations = 10_000_000;

    // Only this process knows the key: digests are worth nothing elsewhere.
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);
    private static readonly SemaphoreSlim Derivations = new(1, 1);

    private readonly int _iterations;
    private readonly byte[] _salt = [];
    private readonly byte[] _hash = [];
    private volatile byte[]? _digest;

    private PasswordCheck(byte[] digest) => _digest = digest;

    private PasswordCheck(int iterations, byte[] salt, byte[] hash)
    {
        _iterations = iterations;
        _salt = salt;
        _hash = hash;
    }

    /// <summary>For a password that is known as it is.</summary>
    public static PasswordCheck Plain(string password) => new(Digest(password));

    /// <summary>For a hash as <see cref="Hash"/> makes it; null when the text is none.</summary>
    public static PasswordCheck? Parse(string text)
    {
        var parts = text.Split('$');
        if (parts.Length != 4 || parts[0] != Scheme
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var iterations) || iterations is < 1 or > MostIterations)
            return null;
        var salt = Bytes(parts[2]);
        var hash = Bytes(parts[3]);
        return salt.Length < 8 || hash.Length != HashBytes ? null : new(iterations, salt, hash);
    }

    /// <summary><c>pbkdf2-sha256$iterations$salt$hash</c>, salt and hash in base64. Takes a noticeable part of a second.</summary>
    public static string Hash(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var hash = Rfc2898DeriveBytes.Pbkdf2(password, salt, Iterations, HashAlgorithmName.SHA256, HashBytes);
        return string.Join('$', Scheme, Iterations.ToString(CultureInfo.InvariantCulture), Convert.ToBase64String(salt), Convert.ToBase64String(hash));
    }

    public async ValueTask<bool> AcceptsAsync(string password)
    {
        var digest = Digest(password);
        if (_digest is { } known)
            return CryptographicOperations.FixedTimeEquals(digest, known);

        // One derivation at a time: guessing cannot take all processors.
        await Derivations.WaitAsync();
        try
        {
            var right = await Task.Run(() => CryptographicOperations.FixedTimeEquals(
                Rfc2898DeriveBytes.Pbkdf2(password, _salt, _iterations, HashAlgorithmName.SHA256, HashBytes), _hash));
            if (right)
                _digest = digest;
            return right;
        }
        finally
        {
            Derivations.Release();
        }
    }

    private static byte[] Digest(string password) => HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(password));

    private static byte[] Bytes(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? bytes[..length] : [];
    }
}
