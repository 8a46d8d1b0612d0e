using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace XapiCompat.Storage.Tests;

/// <summary>Notes every file of a directory that is opened, changed, made or removed, by whatever name.</summary>
internal sealed class OpenWatch : IDisposable
{
    // IN_MODIFY, IN_ATTRIB, IN_OPEN, the four of moves, IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF.
    private const uint Events = 0x2 | 0x4 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800;
    private const int NonBlocking = 0x800;
    private const int HeaderBytes = 16;
    private readonly SafeFileHandle _handle = new(Init(NonBlocking), ownsHandle: true);

    public OpenWatch(params string[] directories)
    {
        foreach (var directory in directories)
        {
            if (Add((int)_handle.DangerousGetHandle(), [.. Encoding.UTF8.GetBytes(directory), 0], Events) < 0)
                throw new IOException("cannot watch " + directory);
        }
    }

    /// <summary>What has happened since the last look.</summary>
    public IReadOnlyList<string> Seen()
    {
        var seen = new List<string>();
        var buffer = new byte[65536];
        while (Read((int)_handle.DangerousGetHandle(), buffer, buffer.Length) is > 0 and var count)
        {
            for (var at = 0; at < (int)count; at += HeaderBytes + BitConverter.ToInt32(buffer, at + 12))
                seen.Add(BitConverter.ToUInt32(buffer, at + 4).ToString("x", null) + " " + Encoding.UTF8.GetString(buffer, at + HeaderBytes, BitConverter.ToInt32(buffer, at + 12)).TrimEnd('\0'));
        }

        return seen;
    }

    public void Dispose() => _handle.Dispose();

    [DllImport("libc", EntryPoint = "inotify_init1")]
    private static extern int Init(int flags);

    [DllImport("libc", EntryPoint = "inotify_add_watch")]
    private static extern int Add(int handle, byte[] path, uint events);

    [DllImport("libc", EntryPoint = "read")]
    private static extern nint Read(int handle, byte[] buffer, nint length);
}
