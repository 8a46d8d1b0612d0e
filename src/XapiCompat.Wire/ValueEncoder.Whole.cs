using System.Buffers;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <content>Encoding to the end at once: lengths, fragments and small texts.</content>
internal sealed partial class ValueEncoder
{
    /// <summary>The length of <paramref name="answer"/> in bytes, found by encoding without keeping anything.</summary>
    public static long Count(WireSyntax syntax, Answer answer)
    {
        var encoder = Rent(syntax);
        try
        {
            encoder.Start(answer);
            encoder._counts = true;
            encoder._skipped = 0;
            var total = 0L;
            bool done;
            do
            {
                done = encoder.Advance();
                total += encoder._length;
                encoder.Clear();
            }
            while (!done);
            return total + encoder._skipped;
        }
        finally
        {
            encoder.Return();
        }
    }

    public static byte[] Text(WireSyntax syntax, byte[] open, string text, byte[] close)
    {
        var whole = new byte[open.Length + (8 * text.Length) + close.Length];
        open.CopyTo(whole, 0);
        syntax.Escape(text, whole.AsSpan(open.Length), out _, out var written);
        close.CopyTo(whole, open.Length + written);
        return whole[..(open.Length + written + close.Length)];
    }

    public static byte[] ToArray(WireSyntax syntax, XenValue value)
    {
        var encoder = Rent(syntax);
        try
        {
            encoder.Start(new Answer(default, value, default));
            if (encoder.Advance())
                return encoder.Filled.ToArray();
            var whole = new ArrayBufferWriter<byte>(2 * Capacity);
            do
            {
                whole.Write(encoder.Filled.Span);
                encoder.Clear();
            }
            while (!encoder.Advance());
            whole.Write(encoder.Filled.Span);
            return whole.WrittenSpan.ToArray();
        }
        finally
        {
            encoder.Return();
        }
    }
}
