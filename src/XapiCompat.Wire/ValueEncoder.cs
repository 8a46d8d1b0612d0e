using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>
/// Encodes an answer into one buffer after the other, step by step and without deep recursion: <see cref="Advance"/> fills a
/// buffer and goes on in the next where it stopped. One at a time per instance.
/// </summary>
internal sealed partial class ValueEncoder
{
    /// <summary>Size of the buffers: an answer is held in steps of this many bytes.</summary>
    public const int Capacity = 64 * 1024;

    /// <summary>Room that any tag or number fits in.</summary>
    public const int Margin = 256;

    [ThreadStatic]
    private static ValueEncoder? s_kept;

    private readonly byte[] _own = new byte[Capacity];
    private byte[] _buffer;
    private int _start;
    private int _length;
    private int _end;
    private WireSyntax _syntax = null!;
    private Frame[] _frames = new Frame[16];
    private int _depth;
    private bool _counts;
    private long _skipped;
    private string? _text;
    private int _textAt;
    private byte[] _textClose = [];
    private ReadOnlyMemory<byte> _raw;
    private ReadOnlyMemory<byte> _tail;
    private XenValue? _root;

    private ValueEncoder()
    {
        _buffer = _own;
        _end = Capacity;
    }

    /// <summary>What the last steps wrote, in whichever buffer that was.</summary>
    public ReadOnlyMemory<byte> Filled => _buffer.AsMemory(_start, _length - _start);

    public static ValueEncoder Rent(WireSyntax syntax)
    {
        var encoder = s_kept ?? new ValueEncoder();
        s_kept = null;
        encoder._syntax = syntax;
        return encoder;
    }

    public void Return()
    {
        Array.Clear(_frames);
        if (_frames.Length > 64)
            _frames = new Frame[16];
        _depth = 0;
        Clear();
        _text = null;
        _raw = _tail = default;
        _root = null;
        _counts = false;
        s_kept = this;
    }

    public void Start(Answer answer)
    {
        _raw = answer.Head;
        _root = answer.Value;
        _tail = answer.Tail;
    }

    /// <summary>Goes on in the buffer of its own.</summary>
    public void Clear()
    {
        _buffer = _own;
        _start = _length = 0;
        _end = Capacity;
    }

    /// <summary>Goes on in a buffer of the caller's, of at least twice <see cref="Margin"/> bytes.</summary>
    public void Use(ArraySegment<byte> buffer)
    {
        _buffer = buffer.Array!;
        _start = _length = buffer.Offset;
        _end = buffer.Offset + Math.Min(buffer.Count, Capacity);
    }

    /// <summary>Fills the buffer; true when the whole answer is in what was filled so far.</summary>
    public bool Advance()
    {
        while (true)
        {
            if (_raw.Length > 0 && !CopyRaw())
                return false;
            if (_text is not null && !CopyText())
                return false;
            if (_end - _length < Margin)
                return false;
            if (_root is not null)
            {
                var root = _root;
                _root = null;
                Write(root);
            }
            else if (_depth > 0)
            {
                Next(ref _frames[_depth - 1]);
            }
            else if (_tail.Length > 0)
            {
                _raw = _tail;
                _tail = default;
            }
            else
            {
                return true;
            }
        }
    }

    private void Next(ref Frame frame)
    {
        if (frame.Container is XenArray array)
        {
            if (frame.Index == array.Items.Count)
            {
                Put(_syntax.ArrayClose);
                Pop();
                return;
            }

            if (frame.Index > 0)
                Put(_syntax.ItemSeparator);
            Write(array.Items[frame.Index++]);
            return;
        }

        var record = (XenStruct)frame.Container;
        if (frame.Index == record.Count)
        {
            Put(frame.Index == 0 ? _syntax.EmptyStructClose : _syntax.StructClose);
            Pop();
        }
        else if (frame.Named)
        {
            frame.Named = false;
            Write(record.Values[frame.Index++]);
        }
        else
        {
            frame.Named = true;
            PutText(frame.Index == 0 ? _syntax.FirstNameOpen : _syntax.NextNameOpen, record.Names[frame.Index], _syntax.NameClose);
        }
    }

    private void Write(XenValue value)
    {
        if (TryWhole(value))
            return;
        switch (value)
        {
            case XenString s:
                PutText(_syntax.StringOpen, s.Text, _syntax.StringClose);
                break;
            case XenStruct { CachesFragments: true } record when _syntax.GetFragment(record) is { } fragment:
                Put(_syntax.FragmentOpen);
                _raw = fragment;
                _text = "";
                _textAt = 0;
                _textClose = _syntax.FragmentClose;
                break;
            case XenStruct:
                Put(_syntax.StructOpen);
                Push(value);
                break;
            case XenArray:
                Put(_syntax.ArrayOpen);
                Push(value);
                break;
            case XenDateTime d:
                PutText(_syntax.DateOpen, d.Text, _syntax.DateClose);
                break;
            default:
                WriteSmall(value);
                break;
        }
    }

    /// <summary>Values that always fit in the margin.</summary>
    private void WriteSmall(XenValue value)
    {
        switch (value)
        {
            case XenInt i:
                PutNumber(_syntax.IntOpen, i.Number, _syntax.IntClose);
                break;
            case XenBool b:
                Put(b.Flag ? _syntax.True : _syntax.False);
                break;
            case XenDouble d:
                Put(_syntax.DoubleOpen);
                _length += _syntax.Format(d.Number, _buffer.AsSpan(_length));
                Put(_syntax.DoubleClose);
                break;
            case XenInt32 i:
                PutNumber(_syntax.Int32Open, i.Number, _syntax.Int32Close);
                break;
            default:
                Put(_syntax.Nil);
                break;
        }
    }

    private void Push(XenValue container)
    {
        if (_depth == _frames.Length)
            Array.Resize(ref _frames, _depth * 2);
        _frames[_depth++] = new Frame { Container = container };
    }

    private void Pop() => _frames[--_depth] = default;

    private struct Frame
    {
        public XenValue Container;
        public int Index;
        public bool Named;
    }
}
