using Microsoft.Win32.SafeHandles;

namespace XapiCompat.Disks;

/// <summary>
/// Asked before every call of the file system that is made for a disk. This one lets all of them pass; one that does not
/// plays a device that fails or is full.
/// </summary>
public class FileLayer
{
    /// <summary>The file system as it is.</summary>
    public static FileLayer Plain { get; } = new();

    /// <summary>What the next call comes to; null lets it be made. Called from several threads.</summary>
    /// <param name="call">What is about to happen.</param>
    /// <param name="path">The file, or the directory; of a move the new name.</param>
    public virtual FileFault? Next(FileCall call, string path) => null;

    /// <summary>Opens or makes a file, behind <see cref="Next"/>. A layer may be choosier about what it opens.</summary>
    /// <param name="mode"><see cref="FileMode.Open"/>, <see cref="FileMode.Create"/> or <see cref="FileMode.CreateNew"/>.</param>
    public virtual SafeFileHandle Open(string path, FileMode mode, FileAccess access) => File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Throws where the call is to fail.</summary>
    public void Pass(FileCall call, string path)
    {
        if (Next(call, path) is { } fault)
            throw fault.Error;
    }
}

/// <summary>A kind of call to the file system.</summary>
public enum FileCall
{
    Find,
    Open,
    Read,
    Write,
    SetLength,
    Flush,
    List,
    Link,
    Move,
    Delete,
    FlushDirectory,
}

/// <summary>The end of a call that fails.</summary>
/// <param name="Error">What the caller sees; its HResult is the system's error number.</param>
/// <param name="Half">For a write: the first half of its sectors reaches the file all the same.</param>
public sealed record FileFault(IOException Error, bool Half = false);
