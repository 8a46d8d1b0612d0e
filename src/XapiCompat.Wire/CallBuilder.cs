using System.Text;
using System.Text.Unicode;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>
/// Collects method and arguments of one call without recursion and keeps the limits. Values wait on one stack; the end of
/// an array or struct replaces its members by one value.
/// </summary>
internal sealed class CallBuilder
{
    private const int KeptCapacity = 256;
    private const int PrintedCharacters = 256;

    private XenValue[] _values = new XenValue[32];
    private string[] _names = new string[32];
    private Frame[] _frames = new Frame[8];
    private int _valueCount;
    private int _nameCount;
    private int _nodes;
    private RpcReadLimits _limits = null!;

    /// <summary>Open arrays and structs.</summary>
    public int Depth { get; private set; }

    public string? Method { get; private set; }

    /// <summary>The bytes the document may have as far as is known now.</summary>
    public long AllowedBytes { get; private set; }

    /// <summary>The first text that is not valid UTF-8, printable.</summary>
    public string? OffendingText { get; private set; }

    public int MaxDepth => _limits.MaxDepth;

    public int ArgumentCount => Depth == 0 ? _valueCount : 0;

    public void Start(RpcReadLimits limits)
    {
        _limits = limits;
        AllowedBytes = limits.InitialBytes;
    }

    public void SetMethod(string method)
    {
        Method = method;
        AllowedBytes = _limits.AllowedBytes(method, Depth == 0 && _valueCount > 0 ? _values[0] : null);
    }

    /// <summary>Call after each finished argument.</summary>
    public void ArgumentDone()
    {
        if (_valueCount == 1 && Method is not null)
            AllowedBytes = _limits.AllowedBytes(Method, _values[0]);
    }

    public void Add(XenValue value)
    {
        CountNode();
        Push(value);
    }

    public void Name(string name)
    {
        if (_nameCount == _names.Length)
            Array.Resize(ref _names, _names.Length * 2);
        _names[_nameCount++] = name;
    }

    public void Begin(bool isStruct)
    {
        CountNode();
        CheckDepth(Depth + 1);
        if (Depth == _frames.Length)
            Array.Resize(ref _frames, _frames.Length * 2);
        _frames[Depth++] = new Frame(_valueCount, _nameCount, isStruct);
    }

    public void End()
    {
        var frame = _frames[--Depth];
        var count = _valueCount - frame.FirstValue;
        XenValue value;
        if (count == 0)
        {
            value = frame.IsStruct ? XenStruct.Empty : XenArray.Empty;
        }
        else
        {
            var values = _values.AsSpan(frame.FirstValue, count).ToArray();
            value = frame.IsStruct ? new XenStruct(_names.AsSpan(frame.FirstName, count).ToArray(), values) : new XenArray(values);
        }

        _valueCount = frame.FirstValue;
        _nameCount = frame.FirstName;
        Push(value);
    }

    public XenValue[] TakeArguments() => _valueCount == 0 ? [] : _values.AsSpan(0, _valueCount).ToArray();

    /// <summary>Counts a value; also for values that are skipped.</summary>
    public void CountNode()
    {
        if (++_nodes > _limits.MaxNodes)
            throw new RpcReadException(RpcReadError.TooManyNodes, $"More than {_limits.MaxNodes} values.");
    }

    public void CheckDepth(int depth)
    {
        if (depth > _limits.MaxDepth)
            throw new RpcReadException(RpcReadError.TooDeep, $"More than {_limits.MaxDepth} nested values.");
    }

    /// <summary>Decodes UTF-8; a bad text is noted, so that the rest of the document is still read and the answer can name it.</summary>
    public string Decode(ReadOnlySpan<byte> text)
    {
        if (text.Length == 0)
            return "";
        if (!Utf8.IsValid(text))
            NoteOffending(Encoding.UTF8.GetString(text[..Math.Min(text.Length, PrintedCharacters)]));
        return Encoding.UTF8.GetString(text);
    }

    public void NoteOffending(string printable) =>
        OffendingText ??= printable.Length > PrintedCharacters ? printable[..PrintedCharacters] : printable;

    /// <summary>Forgets everything, so that a kept instance holds no request data.</summary>
    public void Clear()
    {
        if (_values.Length > KeptCapacity)
            _values = new XenValue[32];
        if (_names.Length > KeptCapacity)
            _names = new string[32];
        Array.Clear(_values);
        Array.Clear(_names);
        _valueCount = _nameCount = _nodes = Depth = 0;
        Method = OffendingText = null;
        _limits = null!;
    }

    private void Push(XenValue value)
    {
        if (_valueCount == _values.Length)
            Array.Resize(ref _values, _values.Length * 2);
        _values[_valueCount++] = value;
    }

    private readonly record struct Frame(int FirstValue, int FirstName, bool IsStruct);
}
