using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>What surrounds each kind of value. Each text is shorter than <see cref="ValueEncoder.Margin"/> by far.</summary>
internal abstract class WireSyntax
{
    public byte[] StringOpen { get; protected init; } = [];

    public byte[] StringClose { get; protected init; } = [];

    public byte[] DateOpen { get; protected init; } = [];

    public byte[] DateClose { get; protected init; } = [];

    public byte[] IntOpen { get; protected init; } = [];

    public byte[] IntClose { get; protected init; } = [];

    public byte[] Int32Open { get; protected init; } = [];

    public byte[] Int32Close { get; protected init; } = [];

    public byte[] DoubleOpen { get; protected init; } = [];

    public byte[] DoubleClose { get; protected init; } = [];

    public byte[] True { get; protected init; } = [];

    public byte[] False { get; protected init; } = [];

    public byte[] Nil { get; protected init; } = [];

    public byte[] ArrayOpen { get; protected init; } = [];

    public byte[] ItemSeparator { get; protected init; } = [];

    public byte[] ArrayClose { get; protected init; } = [];

    public byte[] StructOpen { get; protected init; } = [];

    public byte[] FirstNameOpen { get; protected init; } = [];

    /// <summary>Ends the member before and opens the next name.</summary>
    public byte[] NextNameOpen { get; protected init; } = [];

    public byte[] NameClose { get; protected init; } = [];

    public byte[] StructClose { get; protected init; } = [];

    public byte[] EmptyStructClose { get; protected init; } = [];

    /// <summary>What stands around the part of a struct that is kept as its fragment.</summary>
    public byte[] FragmentOpen { get; protected init; } = [];

    public byte[] FragmentClose { get; protected init; } = [];

    public abstract byte[]? GetFragment(XenStruct record);

    public abstract void SetFragment(XenStruct record, byte[] fragment);

    /// <summary>Writes a number into at most 64 bytes and returns the length.</summary>
    public abstract int Format(double number, Span<byte> output);

    /// <summary>
    /// Writes as much of <paramref name="text"/> as fits, with what the syntax must escape escaped and lone surrogates replaced.
    /// Returns true when all of it is written.
    /// </summary>
    public abstract bool Escape(ReadOnlySpan<char> text, Span<byte> output, out int read, out int written);
}
