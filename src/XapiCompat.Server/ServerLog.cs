using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Server;

/// <summary>Log lines go to standard error: standard output carries the ready line alone.</summary>
internal sealed class ServerLog
{
    public void Unexpected(string what, Exception exception) => Console.Error.WriteLine($"error: {what}: {exception}");

    public void SrNotAttached(Record sr, XenFailure failure) => Console.Error.WriteLine($"warning: SR {sr.Uuid} is not attached: {failure}");
}
