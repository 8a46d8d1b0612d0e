using System.Buffers;

namespace XapiCompat.Wire;

/// <summary>
/// A push tokenizer for the XML that XML-RPC needs: it takes a document in pieces of any size, byte by byte if need be, and
/// holds only the text of the current element. No document types, no entities but the five and character references.
/// </summary>
internal abstract partial class XmlTokenizer
{
    private static readonly SearchValues<byte> TextStops = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Where(b => b is not (9 or 10 or 13)).Select(b => (byte)b), (byte)'<', (byte)'&']);

    private static readonly SearchValues<byte> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Where(b => b is not (9 or 10 or 13)).Select(b => (byte)b)]);

    private readonly byte[] _small = new byte[XmlElements.LongestName];
    private int _smallLength;
    private int _matched;
    private byte _quote;
    private State _state;

    private enum State : byte
    {
        Start,
        Text,
        Markup,
        OpenName,
        InTag,
        Quoted,
        EmptyTag,
        CloseName,
        CloseTag,
        Bang,
        Comment,
        CData,
        Instruction,
        Reference,
    }

    /// <summary>The text of the innermost open element that has text.</summary>
    protected ByteBuffer Text { get; } = new();

    /// <summary>True while character data belongs to <see cref="Text"/>; otherwise only white space is allowed.</summary>
    protected bool CollectsText { get; set; }

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[Step(bytes)..];
    }

    protected abstract void Open(XmlElement element);

    protected abstract void Close(XmlElement element);

    protected static RpcReadException Malformed(string message) => new(RpcReadError.Malformed, message);

    protected static bool IsBlank(ReadOnlySpan<byte> text) => !text.ContainsAnyExcept(" \t\r\n"u8);

    protected void StartTokens()
    {
        Text.Clear();
        _state = State.Start;
        _smallLength = _matched = 0;
        CollectsText = false;
    }

    /// <summary>Fails when the document ends inside markup.</summary>
    protected void FinishTokens()
    {
        if (_state != State.Text)
            throw Malformed("The document ends inside a tag.");
    }

    private int Step(ReadOnlySpan<byte> bytes)
    {
        switch (_state)
        {
            case State.Text:
                return StepText(bytes);
            case State.Comment:
                return StepTo(bytes, "-->"u8);
            case State.Instruction:
                return StepTo(bytes, "?>"u8);
            case State.CData:
                return StepCData(bytes);
            case State.Start:
                return StepStart(bytes[0]);
            default:
                StepByte(bytes[0]);
                return 1;
        }
    }

    /// <summary>Skips a byte order mark.</summary>
    private int StepStart(byte value)
    {
        var mark = "\uFEFF"u8;
        if (value == mark[_matched])
        {
            if (++_matched < mark.Length)
                return 1;
            _matched = 0;
            _state = State.Text;
            return 1;
        }

        if (_matched > 0)
            throw Malformed("Text before the root element.");
        _state = State.Text;
        return 0;
    }

    private int StepText(ReadOnlySpan<byte> bytes)
    {
        var stop = bytes.IndexOfAny(TextStops);
        if (stop < 0)
        {
            AddText(bytes);
            return bytes.Length;
        }

        if (stop > 0)
            AddText(bytes[..stop]);
        switch (bytes[stop])
        {
            case (byte)'<':
                // A plain tag that lies whole in this piece is the usual case.
                var rest = bytes[(stop + 1)..];
                var end = rest[..Math.Min(rest.Length, XmlElements.LongestName + 2)].IndexOf((byte)'>');
                if (end > 0 && PlainTag(rest[..end]))
                    return stop + end + 2;
                _state = State.Markup;
                return stop + 1;
            case (byte)'&':
                _state = State.Reference;
                _smallLength = 0;
                return stop + 1;
            default:
                throw Malformed("A control character in text.");
        }
    }

    private bool PlainTag(ReadOnlySpan<byte> tag)
    {
        if (tag[0] == '/')
        {
            var closed = XmlElements.Find(tag[1..]);
            if (closed == XmlElement.None)
                return false;
            Close(closed);
            return true;
        }

        var empty = tag[^1] == '/';
        var opened = XmlElements.Find(empty ? tag[..^1] : tag);
        if (opened == XmlElement.None)
            return false;
        Open(opened);
        if (empty)
            Close(opened);
        return true;
    }

    /// <summary>Passes over bytes up to and with <paramref name="end"/>, whose inner bytes are all equal.</summary>
    private int StepTo(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> end)
    {
        if (_matched == 0)
        {
            var first = bytes.IndexOf(end[0]);
            if (first < 0)
                return bytes.Length;
            _matched = 1;
            return first + 1;
        }

        if (_matched == end.Length - 1 && bytes[0] == end[^1])
            _state = State.Text;
        else if (bytes[0] == end[0])
            _matched = Math.Min(_matched + 1, end.Length - 1);
        else
            _matched = 0;
        return 1;
    }

    private int StepCData(ReadOnlySpan<byte> bytes)
    {
        if (bytes[0] == ']')
        {
            if (_matched == 2)
                AddText("]"u8);
            else
                _matched++;
            return 1;
        }

        if (_matched == 2 && bytes[0] == '>')
        {
            _state = State.Text;
            return 1;
        }

        AddText("]]"u8[.._matched]);
        _matched = 0;
        var end = bytes.IndexOf((byte)']');
        var run = end < 0 ? bytes : bytes[..end];
        if (run.ContainsAny(Controls))
            throw Malformed("A control character in text.");
        AddText(run);
        return run.Length;
    }

    private void AddText(ReadOnlySpan<byte> text)
    {
        if (CollectsText)
            Text.Append(text);
        else if (!IsBlank(text))
            throw Malformed("Text between elements.");
    }
}
