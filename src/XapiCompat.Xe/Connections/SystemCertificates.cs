using System.Runtime.InteropServices;

namespace XapiCompat.Xe.Connections;

/// <summary>The certificates that this machine trusts.</summary>
internal static partial class SystemCertificates
{
    private const string Nothing = "/dev/null";

    /// <summary>
    /// Keeps the runtime from reading them all, which it does for any chain and takes longer than the rest of a short
    /// command. To be called before the first connection, and only when no certificate is verified against them. The
    /// native environment is meant, which the runtime's own variables do not change.
    /// </summary>
    public static void Ignore()
    {
        _ = SetEnvironment("SSL_CERT_DIR", Nothing, 1);
        _ = SetEnvironment("SSL_CERT_FILE", Nothing, 1);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
