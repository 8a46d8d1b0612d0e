using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Server;

/// <summary>Log lines go to standard error: standard output carries the ready line alone.</summary>
internal sealed class ServerLog
{
    public void Unexpected(string what, Exception exception) => Write($"error: {what}: {exception}");

    public void SrNotAttached(Record sr, XenFailure failure) => Write($"warning: SR {sr.Uuid} is not attached: {failure}");

    private static void Write(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
        }
        catch (IOException)
        {
            // The log may lie on a full file system; calls are answered all the same.
        }
    }
}
