using Microsoft.Win32.SafeHandles;

namespace XapiCompat.Disks.Vhd;

/// <summary>The file below a VHD: positional, thread-safe. A seam, so that tests see every write in its order.</summary>
internal abstract class VhdIo : IDisposable
{
    public abstract long Length { get; set; }

    /// <summary>Fills the whole buffer.</summary>
    public abstract void Read(long offset, Span<byte> buffer);

    public abstract void Write(long offset, ReadOnlyMemory<byte> data);

    public abstract void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> data);

    public abstract void Flush();

    public abstract void Dispose();

    public static VhdIo Open(string path, VhdAccess access) =>
        new HandleIo(File.OpenHandle(
            path, FileMode.Open, access == VhdAccess.Read ? FileAccess.Read : FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));

    public static VhdIo Create(string path, bool overwrite) =>
        new HandleIo(File.OpenHandle(
            path, overwrite ? FileMode.Create : FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));

    // Synchronous on purpose: nearly every call is served by the page cache, where a hop to another thread costs more.
    private sealed class HandleIo(SafeFileHandle handle) : VhdIo
    {
        public override long Length
        {
            get => RandomAccess.GetLength(handle);
            set => RandomAccess.SetLength(handle, value);
        }

        public override void Read(long offset, Span<byte> buffer)
        {
            while (buffer.Length > 0)
            {
                var count = RandomAccess.Read(handle, buffer, offset);
                if (count == 0)
                    throw new EndOfStreamException("The VHD ends at " + offset + " where data was expected.");
                buffer = buffer[count..];
                offset += count;
            }
        }

        public override void Write(long offset, ReadOnlyMemory<byte> data) => RandomAccess.Write(handle, data.Span, offset);

        public override void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> data) => RandomAccess.Write(handle, data, offset);

        public override void Flush() => RandomAccess.FlushToDisk(handle);

        public override void Dispose() => handle.Dispose();
    }
}
