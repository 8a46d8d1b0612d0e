namespace XapiCompat.Nbd.Protocol;

/// <summary>Of the server in its greeting and, with the same values, of the client in its answer.</summary>
[Flags]
public enum HandshakeFlags
{
    None = 0,
    FixedNewstyle = 1,
    NoZeroes = 2,
}
