using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Server;

/// <summary>Log lines go to standard error: standard output carries the ready line alone.</summary>
internal sealed class ServerLog
{
    public void Unexpected(string what, Exception exception) => Write($"error: {what}: {exception}");

    public void SrNotAttached(Record sr, XenFailure failure) => Write($"warning: SR {sr.Uuid} is not attached: {failure}");

    public void NotCollected(string sr, Exception exception) => Write($"warning: SR {sr} was not tidied up: {exception.Message}");

    /// <summary>Names in it come from a directory that others fill.</summary>
    public void SrProblem(string sr, string problem) => Write($"warning: SR {sr}: {string.Concat(problem.Select(c => char.IsControl(c) ? '?' : c))}");

    /// <summary>The name is the caller's: nothing in it may look like another line.</summary>
    public void LoginFailed(string user, string address)
    {
        var shown = string.Concat(user.Take(64).Select(c => char.IsControl(c) ? '?' : c));
        Write($"warning: login of \"{shown}\" from {(address.Length > 0 ? address : "the local socket")} failed");
    }

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
