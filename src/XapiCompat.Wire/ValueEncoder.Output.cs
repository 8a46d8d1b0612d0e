using System.Globalization;

namespace XapiCompat.Wire;

/// <content>Bytes into the buffer; what does not fit waits for the next step.</content>
internal sealed partial class ValueEncoder
{
    private void Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void PutNumber(byte[] open, long number, byte[] close)
    {
        Put(open);
        number.TryFormat(_buffer.AsSpan(_length), out var written, default, CultureInfo.InvariantCulture);
        _length += written;
        Put(close);
    }

    private void PutText(byte[] open, string text, byte[] close)
    {
        var before = _length;
        if (TryText(open, text, close))
            return;
        _length = before;
        Put(open);
        _text = text;
        _textAt = 0;
        _textClose = close;
        CopyText();
    }

    private bool CopyText()
    {
        if (_text!.Length > 0)
        {
            var room = _buffer.AsSpan(_length, Math.Max(0, _end - _length - _textClose.Length));
            var done = _syntax.Escape(_text.AsSpan(_textAt), room, out var read, out var written);
            _textAt += read;
            _length += written;
            if (!done)
                return false;
        }
        else if (_end - _length < _textClose.Length)
        {
            return false;
        }

        Put(_textClose);
        _text = null;
        return true;
    }

    private bool CopyRaw()
    {
        if (_counts)
        {
            _skipped += _raw.Length;
            _raw = default;
            return true;
        }

        var step = Math.Min(_raw.Length, _end - _length);
        Put(_raw.Span[..step]);
        _raw = _raw[step..];
        return _raw.Length == 0;
    }
}
