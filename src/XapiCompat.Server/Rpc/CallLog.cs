using System.Collections.Concurrent;
using XapiCompat.Datamodel;

namespace XapiCompat.Server.Rpc;

/// <summary>
/// Which messages clients had answered with success, a name a line, each once: what runs of real clients cover. Several
/// servers may append to one file.
/// </summary>
internal sealed class CallLog(string path, Model model)
{
    private readonly ConcurrentDictionary<MessageDef, bool> _known = new();
    private readonly Lock _writing = new();

    public void Note(string method)
    {
        var name = method.StartsWith("Async.", StringComparison.Ordinal) ? method["Async.".Length..] : method;
        if (model.FindMessage(name) is not { } message || !_known.TryAdd(message, true))
            return;
        lock (_writing)
            File.AppendAllText(path, message.FullName + "\n");
    }
}
