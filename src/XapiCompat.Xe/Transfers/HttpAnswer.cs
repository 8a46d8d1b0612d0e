using System.Globalization;
using System.Text;
using XapiCompat.Xe.Connections;

namespace XapiCompat.Xe.Transfers;

/// <summary>Sends the head of a request and reads the head of the answer; then <see cref="Read"/> gives the body.</summary>
internal sealed class HttpAnswer
{
    private const int MostHead = 64 * 1024;

    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;
    private int _head;

    private HttpAnswer(Stream stream) => _stream = stream;

    /// <summary>Zero when the status line is none.</summary>
    public int Status { get; private init; }

    public string? Location { get; private set; }

    /// <summary>The answer to a request whose status is 200.</summary>
    /// <exception cref="Redirection">It is to be asked elsewhere.</exception>
    /// <exception cref="TransferFailure">Any other status, or no answer.</exception>
    public static HttpAnswer Expect(Connection connection, string requestHead)
    {
        var answer = Ask(connection, requestHead);
        return answer.Status switch
        {
            200 => answer,
            302 when answer.Location is { } location => throw new Redirection(location),
            _ => throw new TransferFailure($"the server answered with status {answer.Status}"),
        };
    }

    /// <exception cref="TransferFailure">There is no answer in HTTP.</exception>
    public static HttpAnswer Ask(Connection connection, string requestHead)
    {
        connection.Stream.Write(Encoding.UTF8.GetBytes(requestHead));
        connection.Stream.Flush();
        var reading = new HttpAnswer(connection.Stream);
        var parts = reading.Line().Split(' ');
        var status = parts.Length > 1 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        var answer = new HttpAnswer(reading) { Status = status };
        while (answer.Line() is { Length: > 0 } field)
        {
            var colon = field.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && field.AsSpan(0, colon).Equals("location", StringComparison.OrdinalIgnoreCase))
                answer.Location = field[(colon + 1)..].Trim();
        }

        return answer;
    }

    private HttpAnswer(HttpAnswer other)
    {
        _stream = other._stream;
        _buffer = other._buffer;
        (_start, _end, _head) = (other._start, other._end, other._head);
    }

    /// <summary>The next bytes of the body; zero at its end.</summary>
    public int Read(Span<byte> target)
    {
        if (_start == _end)
            return _stream.Read(target);
        var count = Math.Min(target.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(target);
        _start += count;
        return count;
    }

    private string Line()
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_start == _end)
            {
                _start = 0;
                _end = _stream.Read(_buffer);
                if (_end == 0)
                    throw new TransferFailure("the server ended the connection before its answer");
            }

            var next = _buffer[_start++];
            if (next == '\n')
                return line.ToString().TrimEnd('\r');
            if (++_head > MostHead)
                throw new TransferFailure("the head of the server's answer has no end");
            line.Append((char)next);
        }
    }
}
