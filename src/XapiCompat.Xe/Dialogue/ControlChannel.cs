using System.Buffers;
using XapiCompat.Wire.XeCli;
using XapiCompat.Xe.Connections;

namespace XapiCompat.Xe.Dialogue;

/// <summary>
/// The client's side of the conversation. What can no longer be sent is dropped: why the server hung up stands in what can
/// still be read, or in the end of it. Sending is safe from several threads, reading from one.
/// </summary>
internal sealed class ControlChannel(Connection connection)
{
    private readonly XeStreamReader _reader = new(connection.Stream, XeFrameLimits.OfServers);
    private readonly Lock _sending = new();
    private readonly ArrayBufferWriter<byte> _frames = new();

    /// <summary>False once something could not be sent.</summary>
    public bool IsOpen { get; private set; } = true;

    /// <summary>Whether a message can be read without waiting.</summary>
    public bool HasMessage => _reader.HasMessage;

    /// <summary>The server's greeting; null when it sends none.</summary>
    public XeGreeting? ReadGreeting()
    {
        try
        {
            return _reader.ReadGreeting();
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <exception cref="XeFailure">The connection is lost.</exception>
    /// <exception cref="XeFrameException">The server sent something else.</exception>
    public XeMessage Read()
    {
        try
        {
            return _reader.Read() ?? throw XeFailure.LostConnection();
        }
        catch (IOException)
        {
            throw XeFailure.LostConnection();
        }
    }

    public void Send(params ReadOnlySpan<XeMessage> messages)
    {
        lock (_sending)
        {
            _frames.ResetWrittenCount();
            foreach (var message in messages)
                XeFrameEncoder.Write(_frames, message);
            Write(_frames.WrittenSpan);
        }
    }

    public void SendGreeting()
    {
        lock (_sending)
        {
            _frames.ResetWrittenCount();
            XeGreeting.Current.Write(_frames);
            Write(_frames.WrittenSpan);
        }
    }

    /// <summary>Bytes of a blob, or of the request.</summary>
    public void SendRaw(ReadOnlySpan<byte> bytes)
    {
        lock (_sending)
            Write(bytes);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (!IsOpen)
            return;
        try
        {
            connection.Stream.Write(bytes);
            connection.Stream.Flush();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            IsOpen = false;
        }
    }
}
