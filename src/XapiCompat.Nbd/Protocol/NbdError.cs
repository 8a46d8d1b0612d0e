namespace XapiCompat.Nbd.Protocol;

/// <summary>NBD_E*: errors of requests.</summary>
public enum NbdError
{
    None = 0,
    Perm = 1,
    Io = 5,
    NoMem = 12,
    Inval = 22,
    NoSpc = 28,
    Overflow = 75,
    NotSup = 95,
    Shutdown = 108,
}
