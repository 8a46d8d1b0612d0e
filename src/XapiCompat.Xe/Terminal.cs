using System.Buffers;
using System.Text;

namespace XapiCompat.Xe;

/// <summary>Standard streams. What is printed is held until <see cref="Flush"/>, and never overtaken by what goes to standard error.</summary>
internal sealed class Terminal(Surroundings surroundings)
{
    private const int Held = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _printed = new();
    private readonly byte[] _typed = new byte[4096];
    private int _typedStart;
    private int _typedEnd;

    /// <exception cref="OutputException">Nobody reads standard output any more.</exception>
    public void Print(string line)
    {
        Encoding.UTF8.GetBytes(line, _printed);
        _printed.Write("\n"u8);
        if (_printed.WrittenCount > Held)
            Flush();
    }

    /// <summary>Text for standard error, as it is.</summary>
    public void Complain(string text)
    {
        Flush();
        try
        {
            surroundings.Error.Write(Encoding.UTF8.GetBytes(text));
        }
        catch (IOException)
        {
            // Nobody reads it; what is to be done does not depend on that.
        }
    }

    /// <summary>Bytes for standard output, at once.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Flush();
        Send(bytes);
    }

    public void Flush()
    {
        if (_printed.WrittenCount == 0)
            return;
        var bytes = _printed.WrittenSpan;
        _printed.ResetWrittenCount();
        Send(bytes);
    }

    /// <summary>One line of standard input without its line feed, or what stands before the end; null at the end.</summary>
    public byte[]? ReadLine()
    {
        Flush();
        using var line = new MemoryStream();
        while (true)
        {
            if (_typedStart == _typedEnd)
            {
                _typedStart = 0;
                _typedEnd = surroundings.Input.Read(_typed);
                if (_typedEnd == 0)
                    return line.Length == 0 ? null : line.ToArray();
            }

            var rest = _typed.AsSpan(_typedStart, _typedEnd - _typedStart);
            var end = rest.IndexOf((byte)'\n');
            line.Write(end < 0 ? rest : rest[..end]);
            _typedStart += end < 0 ? rest.Length : end + 1;
            if (end >= 0)
                return line.ToArray();
        }
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            surroundings.Output.Write(bytes);
        }
        catch (IOException error)
        {
            throw new OutputException(error);
        }
    }
}
