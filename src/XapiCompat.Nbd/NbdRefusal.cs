using XapiCompat.Nbd.Protocol;

namespace XapiCompat.Nbd;

/// <summary>An option that is answered with an error; the message goes to the client.</summary>
public sealed class NbdRefusal(NbdOptionReply reply, string message) : Exception(message)
{
    public NbdOptionReply Reply { get; } = reply;
}
