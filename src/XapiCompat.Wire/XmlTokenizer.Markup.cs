namespace XapiCompat.Wire;

/// <content>Tags and references, byte by byte: the way for whatever is not a plain tag in one piece.</content>
internal abstract partial class XmlTokenizer
{
    private const int LongestReference = 10;

    private void StepByte(byte value)
    {
        switch (_state)
        {
            case State.Markup:
                _smallLength = 0;
                _matched = 0;
                _state = value switch
                {
                    (byte)'/' => State.CloseName,
                    (byte)'!' => State.Bang,
                    (byte)'?' => State.Instruction,
                    _ => State.OpenName,
                };
                if (_state == State.OpenName)
                    StepName(value, State.InTag);
                break;
            case State.OpenName:
                StepName(value, State.InTag);
                break;
            case State.CloseName:
                StepName(value, State.CloseTag);
                break;
            case State.InTag:
                StepInTag(value);
                break;
            case State.Quoted:
                if (value == _quote)
                    _state = State.InTag;
                else if (value == '<')
                    throw Malformed("An attribute holds '<'.");
                break;
            case State.EmptyTag:
                if (value != '>')
                    throw Malformed("A slash inside a tag.");
                OpenNamed();
                Close(Named());
                break;
            case State.CloseTag:
                if (value == '>')
                    CloseNamed();
                else if (!IsBlank([value]))
                    throw Malformed("Text inside an end tag.");
                break;
            case State.Bang:
                StepBang(value);
                break;
            default:
                StepReference(value);
                break;
        }
    }

    private void StepName(byte value, State afterBlank)
    {
        switch (value)
        {
            case (byte)'>' when _smallLength > 0:
                if (_state == State.OpenName)
                    OpenNamed();
                else
                    CloseNamed();
                break;
            case (byte)'/' when _state == State.OpenName && _smallLength > 0:
                _state = State.EmptyTag;
                break;
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' when _smallLength > 0:
                _state = afterBlank;
                break;
            default:
                AddSmall(value, "An unknown element.");
                break;
        }
    }

    /// <summary>Attributes mean nothing in XML-RPC and are passed over.</summary>
    private void StepInTag(byte value)
    {
        switch (value)
        {
            case (byte)'>':
                OpenNamed();
                break;
            case (byte)'/':
                _state = State.EmptyTag;
                break;
            case (byte)'"' or (byte)'\'':
                _quote = value;
                _state = State.Quoted;
                break;
            case (byte)'<':
                throw Malformed("A tag inside a tag.");
        }
    }

    private void StepBang(byte value)
    {
        if (_smallLength == 0 && value is (byte)'D' or (byte)'E' or (byte)'A' or (byte)'N')
            throw new RpcReadException(RpcReadError.Dtd, "Document types and entity declarations are not accepted.");
        AddSmall(value, "Unknown markup.");
        var seen = _small.AsSpan(0, _smallLength);
        if (seen.SequenceEqual("--"u8))
            _state = State.Comment;
        else if (seen.SequenceEqual("[CDATA["u8))
            _state = State.CData;
        else if (!"--"u8.StartsWith(seen) && !"[CDATA["u8.StartsWith(seen))
            throw Malformed("Unknown markup.");
    }

    private void StepReference(byte value)
    {
        if (value != ';')
        {
            if (_smallLength == LongestReference)
                throw Malformed("An unknown entity.");
            AddSmall(value, "An unknown entity.");
            return;
        }

        Span<byte> utf8 = stackalloc byte[4];
        AddText(utf8[..XmlReferences.Resolve(_small.AsSpan(0, _smallLength), utf8)]);
        _state = State.Text;
    }

    private void AddSmall(byte value, string complaint)
    {
        if (_smallLength == _small.Length)
            throw Malformed(complaint);
        _small[_smallLength++] = value;
    }

    private XmlElement Named() => XmlElements.Find(_small.AsSpan(0, _smallLength));

    private void OpenNamed()
    {
        _state = State.Text;
        Open(Known());
    }

    private void CloseNamed()
    {
        _state = State.Text;
        Close(Known());
    }

    private XmlElement Known()
    {
        var element = Named();
        return element != XmlElement.None ? element : throw Malformed("An unknown element.");
    }
}
