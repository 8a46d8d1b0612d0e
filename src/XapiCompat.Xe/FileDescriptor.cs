using System.Runtime.InteropServices;

namespace XapiCompat.Xe;

/// <summary>
/// A descriptor as the shell gave it: reads and writes go to the kernel one by one, where the file stands then, as other
/// processes may write to the same one. Does not close it.
/// </summary>
internal sealed partial class FileDescriptor(int descriptor) : Stream
{
    private const int Interrupted = 4, TryAgain = 11;
    private const short PollIn = 1, PollOut = 4;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override unsafe int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (true)
        {
            nint count;
            fixed (byte* start = buffer)
                count = ReadNative(descriptor, start, buffer.Length);
            if (count >= 0)
                return (int)count;
            Recover(PollIn);
        }
    }

    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint count;
            fixed (byte* start = buffer)
                count = WriteNative(descriptor, start, buffer.Length);
            if (count >= 0)
                buffer = buffer[(int)count..];
            else
                Recover(PollOut);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Waits where the call is to be repeated, for example when another process made the terminal non-blocking; else throws.</summary>
    private unsafe void Recover(short events)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error == TryAgain)
        {
            var waiting = new Waiting { Descriptor = descriptor, Events = events };
            _ = PollNative(&waiting, 1, -1);
        }
        else if (error != Interrupted)
        {
            throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
        }
    }

    private struct Waiting
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static unsafe partial nint ReadNative(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint WriteNative(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static unsafe partial int PollNative(Waiting* waiting, nuint count, int timeout);
}
