namespace XapiCompat.Wire.XeCli;

/// <summary>Bytes that are not the thin-client protocol, or more of it than is accepted. Nothing more can be read from such a connection.</summary>
public sealed class XeFrameException(XeFrameError error, string message) : Exception(message)
{
    public XeFrameError Error { get; } = error;
}
