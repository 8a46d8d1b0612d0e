using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace XapiCompat.Core.Services;

/// <summary>The hypervisor's console of each host: the lines that debug keys and boots leave; the oldest go first.</summary>
public sealed class HostConsole(TimeProvider clock)
{
    private const int Limit = 1000;

    private readonly ConcurrentDictionary<string, Queue<string>> _lines = new(StringComparer.Ordinal);

    public void Write(string host, string line)
    {
        var queue = Lines(host);
        lock (queue)
        {
            queue.Enqueue("(XEN) [" + clock.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) + "] " + line);
            if (queue.Count > Limit)
                queue.Dequeue();
        }
    }

    public string Read(string host, bool clear = false)
    {
        var queue = Lines(host);
        lock (queue)
        {
            var text = new StringBuilder();
            foreach (var line in queue)
                text.Append(line).Append('\n');
            if (clear)
                queue.Clear();
            return text.ToString();
        }
    }

    private Queue<string> Lines(string host) => _lines.GetOrAdd(host, _ => new());
}
