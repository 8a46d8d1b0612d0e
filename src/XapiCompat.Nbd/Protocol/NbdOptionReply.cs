namespace XapiCompat.Nbd.Protocol;

/// <summary>NBD_REP_*: answers to options.</summary>
public enum NbdOptionReply : uint
{
    None = 0,
    Ack = 1,
    Server = 2,
    Info = 3,
    MetaContext = 4,
    ErrUnsup = (1u << 31) + 1,
    ErrPolicy = (1u << 31) + 2,
    ErrInvalid = (1u << 31) + 3,
    ErrPlatform = (1u << 31) + 4,
    ErrTlsReqd = (1u << 31) + 5,
    ErrUnknown = (1u << 31) + 6,
    ErrShutdown = (1u << 31) + 7,
    ErrBlockSizeReqd = (1u << 31) + 8,
    ErrTooBig = (1u << 31) + 9,
}
