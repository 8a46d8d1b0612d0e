using System.Text;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <content>
/// The usual case: a value that fits in what is left of the buffer is written straight through. One that does not is taken
/// back and goes the slow way, element by element.
/// </content>
internal sealed partial class ValueEncoder
{
    /// <summary>Containers deeper than this go the slow way, so that no value makes the stack grow.</summary>
    private const int MaxDirectDepth = 8;

    private bool TryWhole(XenValue value)
    {
        var (length, skipped) = (_length, _skipped);
        if (TryDirect(value, 0))
            return true;
        (_length, _skipped) = (length, skipped);
        return false;
    }

    private bool TryDirect(XenValue value, int depth)
    {
        switch (value)
        {
            case XenString s:
                return TryText(_syntax.StringOpen, s.Text, _syntax.StringClose);
            case XenStruct record when record.CachesFragments:
                return depth < MaxDirectDepth && TryRecord(record, depth);
            case XenStruct map:
                return depth < MaxDirectDepth && TryStruct(map, null, depth);
            case XenArray array:
                return depth < MaxDirectDepth && TryArray(array, depth);
            case XenDateTime d:
                return TryText(_syntax.DateOpen, d.Text, _syntax.DateClose);
            default:
                if (_end - _length < Margin)
                    return false;
                WriteSmall(value);
                return true;
        }
    }

    private bool TryText(byte[] open, string text, byte[] close)
    {
        if (_end - _length < text.Length + Margin)
            return false;
        Put(open);
        if (!text.AsSpan().ContainsAnyExcept(_syntax.Plain))
        {
            Ascii.FromUtf16(text, _buffer.AsSpan(_length), out var written);
            _length += written;
        }
        else
        {
            var done = _syntax.Escape(text, _buffer.AsSpan(_length, _end - _length - close.Length), out _, out var written);
            _length += written;
            if (!done)
                return false;
        }

        Put(close);
        return true;
    }

    private bool TryRecord(XenStruct record, int depth)
    {
        // A length holds for good, as the record does. Finding the length of a list costs the encoding of what is new in it.
        var known = _syntax.GetLength(record);
        if (_counts && known > 0)
        {
            _skipped += known;
            return true;
        }

        if (_syntax.GetFragment(record) is { } fragment)
        {
            if (_end - _length < fragment.Length + Margin)
                return false;
            Put(_syntax.FragmentOpen);
            Put(fragment);
            Put(_syntax.FragmentClose);
            return true;
        }

        var start = _length;
        var skipped = _skipped;
        if (!TryStruct(record, _syntax.MemberOpens(record.Names), depth))
            return false;
        if (known == 0)
            _syntax.SetLength(record, (int)(_length - start + _skipped - skipped));
        return true;
    }

    private bool TryStruct(XenStruct map, byte[][]? opens, int depth)
    {
        if (_end - _length < Margin)
            return false;
        Put(_syntax.StructOpen);
        var (names, values) = (map.Names, map.Values);
        var array = values as XenValue[];
        var count = names.Count;
        for (var i = 0; i < count; i++)
        {
            if (opens is null)
            {
                if (!TryText(i == 0 ? _syntax.FirstNameOpen : _syntax.NextNameOpen, names[i], _syntax.NameClose))
                    return false;
            }
            else
            {
                if (_end - _length < opens[i].Length)
                    return false;
                Put(opens[i]);
            }

            if (!TryDirect(array is null ? values[i] : array[i], depth + 1))
                return false;
        }

        if (_end - _length < Margin)
            return false;
        Put(count == 0 ? _syntax.EmptyStructClose : _syntax.StructClose);
        return true;
    }

    private bool TryArray(XenArray array, int depth)
    {
        if (_end - _length < Margin)
            return false;
        Put(_syntax.ArrayOpen);
        var items = array.Items;
        var count = items.Count;
        for (var i = 0; i < count; i++)
        {
            if (i > 0)
            {
                if (_end - _length < Margin)
                    return false;
                Put(_syntax.ItemSeparator);
            }

            if (!TryDirect(items[i], depth + 1))
                return false;
        }

        if (_end - _length < Margin)
            return false;
        Put(_syntax.ArrayClose);
        return true;
    }
}
