using System.Globalization;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>The grammar of an XML-RPC call, or of a single value, on top of the tokens.</summary>
internal sealed class XmlCallParser : XmlTokenizer
{
    [ThreadStatic]
    private static XmlCallParser? s_kept;

    private readonly CallBuilder _builder = new();
    private XmlElement[] _elements = new XmlElement[32];
    private byte[] _phases = new byte[32];
    private int _top;
    private XmlElement _root;
    private bool _rootDone;

    public long AllowedBytes => _builder.AllowedBytes;

    private XmlElement Parent => _top == 0 ? XmlElement.None : _elements[_top - 1];

    public static XmlCallParser Rent(RpcReadLimits limits, XmlElement root = XmlElement.MethodCall)
    {
        var parser = s_kept ?? new XmlCallParser();
        s_kept = null;
        parser.StartTokens();
        parser._builder.Start(limits);
        parser._root = root;
        parser._rootDone = false;
        parser._top = 0;
        return parser;
    }

    public void Return()
    {
        Text.Shrink();
        _builder.Clear();
        s_kept = this;
    }

    public RpcRequest FinishCall()
    {
        Finish();
        var request = new RpcRequest(new RpcCall(_builder.Method!, _builder.TakeArguments()), RpcProtocol.XmlRpc);
        return _builder.OffendingText is null ? request : throw NotUtf8(request);
    }

    public XenValue FinishValue()
    {
        Finish();
        return _builder.OffendingText is null ? _builder.TakeArguments()[0] : throw NotUtf8(null);
    }

    protected override void Open(XmlElement element)
    {
        var collects = element switch
        {
            XmlElement.MethodCall => Root(element),
            XmlElement.MethodName => Child(XmlElement.MethodCall, 0, collects: true),
            XmlElement.Params => Child(XmlElement.MethodCall, 1),
            XmlElement.Param => Within(Parent == XmlElement.Params),
            XmlElement.Value => OpenValue(),
            XmlElement.Member => Within(Parent == XmlElement.Struct),
            XmlElement.Name => Child(XmlElement.Member, 0, collects: true),
            XmlElement.Data => Within(Parent == XmlElement.Array),
            _ => OpenTyped(element),
        };
        if (_top == _elements.Length)
        {
            Array.Resize(ref _elements, _top * 2);
            Array.Resize(ref _phases, _top * 2);
        }

        _elements[_top] = element;
        _phases[_top++] = 0;
        CollectsText = collects;
        Text.Clear();
    }

    protected override void Close(XmlElement element)
    {
        if (Parent != element)
            throw Malformed("An end tag without its start tag.");
        var phase = _phases[--_top];
        CollectsText = false;
        switch (element)
        {
            case XmlElement.Value:
                if (phase == 0)
                    _builder.Add(XenString.Of(_builder.Decode(Text.Span)));
                if (Parent == XmlElement.Param)
                    _builder.ArgumentDone();
                break;
            case XmlElement.MethodCall or XmlElement.Param or XmlElement.Member when phase < (element == XmlElement.Member ? 2 : 1):
                throw Malformed("An element without what it must hold.");
            case XmlElement.MethodName:
                _builder.SetMethod(_builder.Decode(Text.Span.Trim(" \t\r\n"u8)));
                break;
            case XmlElement.Name:
                _builder.Name(_builder.Decode(Text.Span));
                break;
            case XmlElement.Struct or XmlElement.Array:
                _builder.End();
                break;
            case XmlElement.Params or XmlElement.Data or XmlElement.MethodCall or XmlElement.Param or XmlElement.Member:
                break;
            default:
                _builder.Add(Scalar(element));
                break;
        }

        _rootDone = _top == 0;
    }

    private XenValue Scalar(XmlElement element)
    {
        var text = Text.Span;
        var trimmed = text.Trim(" \t\r\n"u8);
        switch (element)
        {
            case XmlElement.Int:
                return long.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                    ? XenInt.Of(number)
                    : throw Malformed("An integer that is none, or out of range.");
            case XmlElement.Double:
                return new XenDouble(Double(trimmed));
            case XmlElement.Boolean:
                return trimmed.SequenceEqual("1"u8) ? XenBool.True : XenBool.False;
            case XmlElement.DateTime:
                return new XenDateTime(_builder.Decode(text));
            case XmlElement.Nil:
                return XenNil.Instance;
            default:
                return XenString.Of(_builder.Decode(text));
        }
    }

    private static double Double(ReadOnlySpan<byte> text)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            return number;
        return text switch
        {
            [(byte)'i', (byte)'n', (byte)'f'] => double.PositiveInfinity,
            [(byte)'-', (byte)'i', (byte)'n', (byte)'f'] => double.NegativeInfinity,
            _ => throw Malformed("A double that is none."),
        };
    }

    private bool OpenValue()
    {
        switch (Parent)
        {
            case XmlElement.Data or XmlElement.Array:
                return true;
            case XmlElement.Member:
                return Child(XmlElement.Member, 1, collects: true);
            case XmlElement.Param:
                return Child(XmlElement.Param, 0, collects: true);
            default:
                Root(XmlElement.Value);
                return true;
        }
    }

    private bool OpenTyped(XmlElement element)
    {
        if (Parent == XmlElement.Value && !IsBlank(Text.Span))
            throw Malformed("Text beside a typed value.");
        Child(XmlElement.Value, 0);
        if (element is not (XmlElement.Struct or XmlElement.Array))
            return element != XmlElement.Nil;
        _builder.Begin(element == XmlElement.Struct);
        return false;
    }

    private bool Root(XmlElement element) => Within(_top == 0 && !_rootDone && element == _root);

    /// <summary>The new element must be the (phase + 1)th child of <paramref name="parent"/>.</summary>
    private bool Child(XmlElement parent, byte phase, bool collects = false)
    {
        Within(Parent == parent && _phases[_top - 1] == phase);
        _phases[_top - 1]++;
        return collects;
    }

    private static bool Within(bool allowed) => allowed ? false : throw Malformed("An element in the wrong place.");

    private void Finish()
    {
        FinishTokens();
        if (!_rootDone)
            throw Malformed("The document ends too early.");
    }

    private RpcReadException NotUtf8(RpcRequest? request) =>
        new(RpcReadError.NotUtf8, "A text is not valid UTF-8.") { OffendingText = _builder.OffendingText, AnswerAs = request };
}
