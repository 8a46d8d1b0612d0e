using Microsoft.Win32.SafeHandles;
using XapiCompat.Disks.Raw;

namespace XapiCompat.Disks.Vhd;

/// <summary>The file below a VHD: positional, thread-safe. A seam, so that tests see every write in its order.</summary>
public abstract class VhdIo : IDisposable
{
    public abstract long Length { get; set; }

    /// <summary>Fills the whole buffer.</summary>
    public abstract void Read(long offset, Span<byte> buffer);

    public abstract void Write(long offset, ReadOnlyMemory<byte> data);

    public abstract void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> data);

    /// <summary>Makes a range read as zeroes by giving its room back; false, and nothing done, where that is not to be had.</summary>
    public virtual bool TryPunch(long offset, long length) => false;

    /// <summary>
    /// Returns when everything written is on stable storage. After a failure nothing more is written or flushed through this
    /// object: the kernel may have forgotten what it could not write, and would call the next flush a success.
    /// </summary>
    public abstract void Flush();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    public static VhdIo Open(string path, VhdAccess access, FileLayer? files = null)
    {
        files ??= FileLayer.Plain;
        files.Pass(FileCall.Open, path);
        return new HandleIo(files.Open(path, FileMode.Open, access == VhdAccess.Read ? FileAccess.Read : FileAccess.ReadWrite), path, files);
    }

    public static VhdIo Create(string path, bool overwrite, FileLayer? files = null)
    {
        files ??= FileLayer.Plain;
        files.Pass(FileCall.Open, path);
        return new HandleIo(files.Open(path, overwrite ? FileMode.Create : FileMode.CreateNew, FileAccess.ReadWrite), path, files);
    }

    protected abstract void Dispose(bool disposing);

    // Synchronous on purpose: nearly every call is served by the page cache, where a hop to another thread costs more.
    private sealed class HandleIo(SafeFileHandle handle, string path, FileLayer files) : VhdIo
    {
        private volatile Exception? _lost;

        public override long Length
        {
            get => RandomAccess.GetLength(handle);
            set
            {
                ThrowIfLost();
                files.Pass(FileCall.SetLength, path);
                RandomAccess.SetLength(handle, value);
            }
        }

        public override void Read(long offset, Span<byte> buffer)
        {
            files.Pass(FileCall.Read, path);
            while (buffer.Length > 0)
            {
                var count = RandomAccess.Read(handle, buffer, offset);
                if (count == 0)
                    throw new EndOfStreamException("The VHD ends at " + offset + " where data was expected.");
                buffer = buffer[count..];
                offset += count;
            }
        }

        public override void Write(long offset, ReadOnlyMemory<byte> data)
        {
            ThrowIfLost();
            if (files.Next(FileCall.Write, path) is { } fault)
                Fail(fault, offset, [data]);
            RandomAccess.Write(handle, data.Span, offset);
        }

        public override void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> data)
        {
            ThrowIfLost();
            if (files.Next(FileCall.Write, path) is { } fault)
                Fail(fault, offset, data);
            RandomAccess.Write(handle, data, offset);
        }

        public override bool TryPunch(long offset, long length)
        {
            ThrowIfLost();
            files.Pass(FileCall.Write, path);
            return SparseFile.TryPunch(handle, offset, length);
        }

        public override void Flush()
        {
            ThrowIfLost();
            try
            {
                files.Pass(FileCall.Flush, path);
                RandomAccess.FlushToDisk(handle);
            }
            catch (IOException e)
            {
                _lost = e;
                throw;
            }
        }

        protected override void Dispose(bool disposing) => handle.Dispose();

        private void ThrowIfLost()
        {
            if (_lost is { } lost)
                throw new IOException("Earlier writes did not reach the disk: " + lost.Message, lost);
        }

        private void Fail(FileFault fault, long offset, IReadOnlyList<ReadOnlyMemory<byte>> data)
        {
            var left = fault.Half ? data.Sum(part => (long)part.Length) / 2 / VhdLimits.SectorSize * VhdLimits.SectorSize : 0;
            foreach (var part in data)
            {
                var count = (int)Math.Min(left, part.Length);
                RandomAccess.Write(handle, part.Span[..count], offset);
                offset += count;
                left -= count;
            }

            throw fault.Error;
        }
    }
}
