namespace XapiCompat.Wire.XeCli;

/// <summary>One message of the thin-client protocol that xe and a server speak after the greeting. The set is closed.</summary>
public abstract record XeMessage
{
    private XeMessage()
    {
    }

    /// <summary>Server: text for standard output; the client adds a line feed.</summary>
    public sealed record Print(string Text) : XeMessage;

    /// <summary>Server: asks for a file of the client; answered by <see cref="Ok"/> and a blob, or by <see cref="Failed"/>.</summary>
    public sealed record Load(string FileName) : XeMessage;

    /// <summary>Server: asks for one line of standard input; answered by a blob.</summary>
    public sealed record Prompt : XeMessage;

    /// <summary>Server: the last message; the client ends with this status.</summary>
    public sealed record Exit(int Code) : XeMessage;

    /// <summary>Server: downloads to a file of the client; an empty name is standard output.</summary>
    public sealed record HttpGet(string FileName, string Url) : XeMessage;

    /// <summary>Server: uploads a file of the client.</summary>
    public sealed record HttpPut(string FileName, string Url) : XeMessage;

    /// <summary>Server: an error that the client puts into words.</summary>
    public sealed record Error(string Code, IReadOnlyList<string> Parameters) : XeMessage;

    /// <summary>Server: text that only a client in debug mode shows.</summary>
    public sealed record Debug(string Text) : XeMessage;

    /// <summary>Server: text for standard error; the client adds nothing.</summary>
    public sealed record PrintStderr(string Text) : XeMessage;

    /// <summary>Server: connects the terminal to what the url names.</summary>
    public sealed record HttpConnect(string Url) : XeMessage;

    /// <summary>Client: done.</summary>
    public sealed record Ok : XeMessage;

    /// <summary>Client: could not be done.</summary>
    public sealed record Failed : XeMessage;

    /// <summary>Client: a long transfer goes on. Sent to servers of minor version 2 and up, at any time, any number of times.</summary>
    public sealed record Wait : XeMessage;

    /// <summary>Client: this many bytes of a blob follow, outside of any frame; never negative.</summary>
    public sealed record Chunk(int Length) : XeMessage;

    /// <summary>Client: a blob is complete.</summary>
    public sealed record End : XeMessage;
}
