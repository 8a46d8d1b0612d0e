using System.Buffers;
using System.Text.Unicode;

namespace XapiCompat.Wire;

/// <summary>The loop that both syntaxes share: plain runs are transcoded at once, special characters replaced one by one.</summary>
internal static class TextEscaper
{
    public delegate ReadOnlySpan<byte> Replacement(char special);

    public static bool Escape(
        ReadOnlySpan<char> text, Span<byte> output, SearchValues<char> specials, Replacement replace, out int read, out int written)
    {
        read = written = 0;
        while (read < text.Length)
        {
            // A character takes at least a byte: looking further than the room would make long texts quadratic.
            var window = text.Slice(read, Math.Min(text.Length - read, output.Length - written));
            if (window.IsEmpty)
                return false;
            if (window.Length < text.Length - read && char.IsHighSurrogate(window[^1]))
                window = window[..^1];

            var special = window.IndexOfAny(specials);
            var run = special < 0 ? window : window[..special];
            var status = Utf8.FromUtf16(run, output[written..], out var runRead, out var runWritten, replaceInvalidSequences: true);
            read += runRead;
            written += runWritten;
            if (status != OperationStatus.Done || (runRead == 0 && special < 0))
                return false;
            if (special < 0)
                continue;

            var replacement = replace(text[read]);
            if (!replacement.TryCopyTo(output[written..]))
                return false;
            written += replacement.Length;
            read++;
        }

        return true;
    }
}
